"""A set that never stands still: something changes before every verification, and Core's report of
it comes a moment later."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.sync_simulation import PHONES, SETTLE, Installation, entry_id_of, papers


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Installation]:
    """Equal at DICT and here, and proven once."""
    made = Installation(tmp_path)
    made.hold(*(papers(number) for number in range(1, 9)))
    made.later()
    made.run(number="0")
    made.later(timedelta(days=1))
    yield made
    made.close()


def keep_busy(home: Installation) -> None:
    """From here on."""
    number, on_their_way = [2000], list[Any]()

    def change(it: Installation, step: str) -> None:
        if step == "compare_entries":
            for report in on_their_way:
                it.arrives(report)
            on_their_way.clear()
        if step == "verify_sync":
            number[0] += 1
            new = papers(number[0])
            it.bacen.add(new)
            on_their_way.append(it.report_of(entry_id_of(new), 1, new, PHONES))
            it.later(timedelta(seconds=2))

    home.meanwhile = change


def calls(home: Installation, operation: str) -> int:
    """How often DICT was asked."""
    return sum(name == operation for name, _ in home.bacen.calls)


@pytest.mark.parametrize("sync_type", ["INCREMENTAL", "FULL"])
def test_its_log_proves_it(home: Installation, sync_type: str) -> None:
    keep_busy(home)
    result = home.run(sync_type)
    assert (result.status, result.discrepancies) == ("COMPLETED", 0)
    (run,) = [it for it in home.runs.runs.values() if it.end and it.ref.key_type == "PHONE"][1:]
    assert run.verified_at is not None
    assert run.end is not None
    assert run.verified_at <= run.end.ended_at - SETTLE, "as of what the log has settled"
    assert calls(home, "RequestCidFile") == (5 if sync_type == "FULL" else 0)


def test_what_differs_is_repaired_before_it_is_proven(home: Installation) -> None:
    home.entries.entries.pop(entry_id_of(papers(3)))
    home.bacen.add(papers(40))
    home.later()
    keep_busy(home)
    result = home.run()
    assert (result.status, result.entries_created) == ("COMPLETED", 2)
    assert calls(home, "RequestCidFile") == 1


def test_a_report_that_was_lost_at_the_end_is_found_the_next_day(home: Installation) -> None:
    keep_busy(home)
    assert home.run().status == "COMPLETED"
    assert not home.equal(), "the last report is still on its way"
    home.meanwhile = lambda _home, _step: None
    home.later(timedelta(days=1))
    result = home.run(number="2")
    assert (result.status, result.entries_created) == ("COMPLETED", 1)
    assert calls(home, "RequestCidFile") == 0
    assert home.equal()


def test_a_log_whose_vsync_is_another_proves_nothing(home: Installation) -> None:
    """A difference from before the log: the file finds it."""
    home.entries.entries.pop(entry_id_of(papers(3)))
    keep_busy(home)
    result = home.run()
    assert (result.status, result.entries_created) == ("COMPLETED", 1)
    assert calls(home, "RequestCidFile") == 1


def test_a_run_that_takes_the_day_says_so(home: Installation) -> None:
    home.bacen.add(papers(70))
    home.later()
    home.meanwhile = lambda it, step: (
        it.later(timedelta(hours=3)) if step == "verify_sync" else None
    )
    result = home.run()
    assert (result.status, result.error_message) == ("PARTIAL", "run-too-long")
    home.meanwhile = lambda _home, _step: None
    assert home.run(number="2").entries_created == 1
    assert home.equal()
