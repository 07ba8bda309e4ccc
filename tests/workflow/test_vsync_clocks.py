"""Two clocks, a log that lags, reports that take their time: nothing is repaired that is right."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest

from dict_common.ports.directory import CallContext
from tests.support.sync_simulation import PHONES, SETTLE, Installation, entry_id_of, papers
from tests.support.workflow_simulation import Chance
from vsync.application.bacen import BacenEntry
from vsync.application.entry_papers import EntryPapers


def asked(home: Installation, operation: str) -> int:
    """How often DICT was."""
    return sum(name == operation for name, _ in home.bacen.calls)


def test_the_log_is_read_from_before_the_last_proof(home: Installation) -> None:
    home.bacen.behind = timedelta(minutes=3)
    home.run()
    home.later(timedelta(minutes=1))
    home.bacen.add(papers(20))
    home.later()
    assert home.run(number="2").entries_created == 1
    assert asked(home, "RequestCidFile") == 0


@pytest.mark.parametrize(
    ("behind", "lag"), [(40, 0), (0, 30)], ids=["its clock is behind", "its log lags"]
)
def test_what_comes_after_the_file_is_in_the_log_that_is_read(
    home: Installation, behind: float, lag: float
) -> None:
    home.bacen.behind, home.bacen.lag = timedelta(seconds=behind), timedelta(seconds=lag)
    home.bacen.file_takes = timedelta(0)
    numbers = count(20)

    def meanwhile(_: Installation, step: str) -> None:
        if step == "compare_entries":
            home.hold(papers(next(numbers)))

    home.meanwhile = meanwhile
    result = home.run("FULL")
    assert (result.status, result.discrepancies) == ("COMPLETED", 0)
    assert asked(home, "GetEntryByCid") == 0


def test_an_order_may_say_where_the_log_is_read_from(home: Installation) -> None:
    began = home.simulation.now_
    home.bacen.add(papers(20))
    home.later(timedelta(days=1))
    home.tell(entry_id_of(papers(20)), 1, papers(20), PHONES)
    home.run()
    home.later(timedelta(days=1))
    home.entries.entries.pop(entry_id_of(papers(20)))
    result = home.run(number="2", last_sync_date=began)
    assert (result.status, result.entries_created) == ("COMPLETED", 1)
    assert asked(home, "RequestCidFile") == 0


def test_the_end_tells_the_vsync_that_was_proven(home: Installation) -> None:
    home.run()
    ends = {it["key_type"]: it["vsync"] for it in home.told("vsync.completed")}
    assert ends["PHONE"] == home.bacen.vsync(PHONES).hex()


def test_long_steps_tell_that_they_are_alive(home: Installation) -> None:
    home.bacen.add(*(papers(number) for number in range(100, 140)))
    home.bacen.remove(papers(1))
    home.later()
    home.run("FULL")
    assert home.beats["identify_entries"] >= 40
    assert home.beats["create_entry"] >= 40
    assert home.beats["flag_for_review"] >= 1
    assert home.beats["fetch_bacen_entries"] >= 1
    assert home.beats["request_cid_file"] >= 5


def test_requests_of_a_lost_attempt_are_counted(home: Installation) -> None:
    seen = Counter[str]()

    def lost(name: str) -> Chance:
        seen[name] += 1
        return Chance(lost=name in ("CreateEntry", "IdentifyEntries") and seen[name] == 1)

    home.chance = lost
    home.bacen.add(*(papers(number) for number in range(20, 25)))
    home.later()
    result = home.run()
    assert (result.entries_created, result.requests) == (5, len(home.bacen.calls))


class LateCore:
    """Changes at DICT go on; Core tells each of them, within the time that a run gives it."""

    def __init__(self, home: Installation, seed: int) -> None:
        self.home, self.chance = home, Random(seed)
        self.at_dict = {number: papers(number) for number in range(1, 9)}
        self.versions = dict.fromkeys(self.at_dict, 1)
        self.next = 100
        self.on_their_way: list[tuple[datetime, Any]] = []
        self.asks = home.bacen.entry_by_cid
        home.bacen.lag = timedelta(seconds=5)
        home.bacen.entry_by_cid = self.entry_by_cid  # type: ignore[method-assign]
        home.meanwhile = self.before_a_step

    def before_a_step(self, home: Installation, _step: str) -> None:
        """Reports arrive, and something changes."""
        for report in self.due():
            home.arrives(report)
        if self.chance.random() < 0.3:
            self.change()

    async def entry_by_cid(
        self, cid: bytes, participant: str, context: CallContext
    ) -> BacenEntry | None:
        """The same while DICT is asked."""
        answer = await self.asks(cid, participant, context)
        self.home.later(timedelta(seconds=1))
        for report in self.due():
            await self.home.report(*report)
        if self.chance.random() < 0.3:
            self.change()
        return answer

    def change(self) -> None:
        """One of DICT's."""
        act = self.chance.choice(("add", "update", "remove")) if self.at_dict else "add"
        if act == "add":
            number, self.next = self.next, self.next + 1
            self.at_dict[number] = papers(number)
            self.home.bacen.add(papers(number))
            return self._tell(number, papers(number))
        number = self.chance.choice(sorted(self.at_dict))
        if act == "remove":
            self.home.bacen.remove(self.at_dict.pop(number))
            return self._tell(number, None)
        name = f"Maria {self.chance.randrange(5)}"
        self.at_dict[number] = self.home.bacen.update(self.at_dict[number], name=name)
        return self._tell(number, self.at_dict[number])

    def due(self, *, all_: bool = False) -> list[Any]:
        """What arrives now."""
        now = self.home.simulation.now_
        arrived = sorted(
            (it for it in self.on_their_way if all_ or it[0] <= now), key=lambda it: it[0]
        )
        self.on_their_way = [it for it in self.on_their_way if it not in arrived]
        return [report for _, report in arrived]

    def _tell(self, number: int, it: EntryPapers | None) -> None:
        self.versions[number] = version = self.versions.get(number, 0) + 1
        late = self.chance.uniform(0, SETTLE.total_seconds() * 2 / 3)
        report = self.home.report_of(entry_id_of(papers(number)), version, it, PHONES)
        self.on_their_way.append((self.home.simulation.now_ + timedelta(seconds=late), report))


@pytest.mark.parametrize("sync_type", ["INCREMENTAL", "FULL"])
@pytest.mark.parametrize("seed", range(12))
def test_what_core_tells_in_time_is_no_discrepancy(
    home: Installation, seed: int, sync_type: str
) -> None:
    core = LateCore(home, seed)
    assert home.run(sync_type).status == "COMPLETED"
    assert not home.told("review.opened")
    assert not Counter(it["correction"] for it in home.told("entry.corrected"))
    assert asked(home, "RequestCidFile") == (5 if sync_type == "FULL" else 0)
    for report in core.due(all_=True):
        home.arrives(report)
    assert home.equal()
