"""Runs over the real workflows and use cases, with DICT, Core and time in one memory."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dict_common.kernel.errors import Unavailable
from dict_common.ports.directory import CallContext, DirectoryRefused, DirectoryUnreachable
from tests.support.bacen_fakes import FileTrouble
from tests.support.sync_simulation import (
    ISPB,
    PHONES,
    SETTLE,
    Installation,
    entry_id_of,
    papers,
)
from vsync.application.compare_entries import compared
from vsync.application.entry_papers import EntryPapers
from vsync.application.fetch_bacen import FileInvalid
from vsync.application.sync_process import VSyncResult


def counts(result: VSyncResult) -> tuple[object, ...]:
    """Status, created, updated, put before a person, found."""
    return (
        result.status,
        result.entries_created,
        result.entries_updated,
        result.entries_deleted,
        result.discrepancies,
    )


def asked(home: Installation, operation: str) -> int:
    """How often DICT was."""
    return sum(name == operation for name, _ in home.bacen.calls)


def test_an_equal_base_costs_one_request_a_set(home: Installation) -> None:
    result = home.run()
    assert counts(result) == ("COMPLETED", 0, 0, 0, 0)
    assert (result.entries_synced, result.requests) == (8, 5)
    assert [name for name, _ in home.bacen.calls] == ["CreateSyncVerification"] * 5


def test_the_log_is_enough_and_each_key_is_asked_for_once(home: Installation) -> None:
    home.bacen.add(*(papers(number) for number in range(20, 25)))
    home.bacen.update(papers(1), name="Maria S.")
    home.bacen.remove(papers(2))
    home.later()
    assert counts(home.run()) == ("COMPLETED", 5, 1, 1, 7)
    assert home.equal()
    assert asked(home, "GetEntryByCid") == 7
    assert asked(home, "RequestCidFile") == 0


def test_what_happened_before_the_log_is_found_by_the_file(home: Installation) -> None:
    home.run()
    home.later(timedelta(days=1))
    home.entries.entries.pop(entry_id_of(papers(3)))
    assert counts(home.run(number="2")) == ("COMPLETED", 1, 0, 0, 1)
    assert asked(home, "RequestCidFile") == 1
    assert home.equal()


@pytest.mark.parametrize("sync_type", ["INCREMENTAL", "FULL"])
def test_nothing_is_deleted_and_a_person_is_asked_once(home: Installation, sync_type: str) -> None:
    home.bacen.remove(papers(1))
    home.later()
    assert counts(home.run(sync_type)) == ("COMPLETED", 0, 0, 1, 1)
    entry = home.entries.entries[entry_id_of(papers(1))]
    assert (entry.cid, entry.review_id in home.entries.open_reviews) == (None, True)
    assert home.entries.papers[entry.entry_id] is not None
    (opened,) = home.told("review.opened")
    assert (opened["reason_code"], opened["cid"]) == ("MISSING_BACEN", papers(1).cid.hex())
    home.later(timedelta(days=1))
    assert counts(home.run(sync_type, "2")) == ("COMPLETED", 0, 0, 0, 0)
    assert len(home.told("review.opened")) == 1


def test_a_key_that_dict_has_again_leaves_its_review(home: Installation) -> None:
    home.bacen.remove(papers(1))
    home.later()
    home.run()
    home.bacen.add(papers(1))
    home.later()
    assert counts(home.run(number="2")) == ("COMPLETED", 1, 0, 0, 1)
    entry = home.entries.entries[entry_id_of(papers(1))]
    assert (entry.cid, entry.review_id) == (papers(1).cid, None)
    assert [it["outcome"] for it in home.told("review.resolved")] == ["SUPERSEDED"]
    assert home.told("entry.corrected")[-1]["correction"] == "RESTORED"


def test_cores_late_report_takes_over_what_a_repair_has_made(home: Installation) -> None:
    new = papers(30)
    home.bacen.add(new)
    home.later()
    home.run()
    home.tell(entry_id_of(new), 1, new, PHONES)
    assert home.equal()
    assert home.told("entry.corrected")[-1]["correction"] == "ADOPTED"
    assert counts(home.run(number="2")) == ("COMPLETED", 0, 0, 0, 0)


def test_added_removed_added_is_one_key(home: Installation) -> None:
    new = papers(31)
    for _ in range(3):
        home.bacen.add(new)
        home.later(timedelta(seconds=1))
        home.bacen.remove(new)
        home.later(timedelta(seconds=1))
    home.bacen.add(new)
    home.later()
    assert counts(home.run()) == ("COMPLETED", 1, 0, 0, 1)
    assert home.equal()


def test_a_report_that_is_on_its_way_causes_no_repair(home: Installation) -> None:
    new = papers(32)

    def core_is_slow(it: Installation, step: str) -> None:
        if step == "fetch_bacen_entries" and entry_id_of(new) not in it.entries.entries:
            it.tell(entry_id_of(new), 1, new, PHONES)

    home.bacen.add(new)
    home.meanwhile = core_is_slow
    assert counts(home.run()) == ("COMPLETED", 0, 0, 0, 0)
    assert home.equal()


def test_what_changes_while_a_file_is_made_and_compared_causes_no_repair(
    home: Installation,
) -> None:
    done: set[str] = set()

    def world_goes_on(it: Installation, step: str) -> None:
        if step in done:
            return
        done.add(step)
        number = {"compare_entries": 41, "identify_entries": 42, "request_cid_file": 43}.get(step)
        if number is not None:
            it.hold(papers(number))
            it.later(timedelta(seconds=1))

    home.meanwhile = world_goes_on
    assert counts(home.run("FULL")) == ("COMPLETED", 0, 0, 0, 0)
    assert home.equal()
    assert not home.told("entry.corrected")


def test_a_set_without_a_proof_is_read_from_its_beginning(home: Installation) -> None:
    home.entries.entries.clear()
    assert counts(home.run()) == ("COMPLETED", 8, 0, 0, 8)
    assert home.equal()


@pytest.mark.parametrize(
    ("problem", "status", "reason"),
    [
        (DirectoryRefused("Forbidden", 403, "No"), "FAILED", "Forbidden"),
        (DirectoryUnreachable("bridge-unreachable", "away"), "FAILED", "bridge-unreachable"),
        (DirectoryRefused("ServiceUnavailable", 503, "Down"), "FAILED", "ServiceUnavailable"),
    ],
)
def test_bacen_down(home: Installation, problem: Exception, status: str, reason: str) -> None:
    def refuse(_operation: str, _context: CallContext) -> None:
        raise problem

    home.bacen.script = refuse
    result = home.run()
    assert (result.status, result.error_message) == (status, reason)
    assert {it["reason_code"] for it in home.told("vsync.failed")} == {reason}
    home.bacen.script = lambda _operation, _context: None
    assert home.run(number="2").status == "COMPLETED"


def test_a_run_whose_row_cannot_be_written_waits_for_it(home: Installation) -> None:
    left = [50]

    def away(_home: Installation, step: str) -> None:
        if step == "start_sync" and left[0]:
            left[0] -= 1
            raise Unavailable("postgres-away", "no connection")

    home.meanwhile = away
    assert home.run().status == "COMPLETED"
    assert left == [0]
    assert len(home.told("vsync.completed")) == 6


def test_a_short_outage_and_a_dry_bucket_are_waited_for(home: Installation) -> None:
    left = [3]

    def dry(operation: str, _context: CallContext) -> None:
        if operation == "CreateSyncVerification" and left[0]:
            left[0] -= 1
            raise DirectoryRefused("RateLimited", 429, "Slow down", 20.0)

    home.bacen.script = dry
    began = home.simulation.now_
    assert home.run().status == "COMPLETED"
    assert home.simulation.now_ - began >= timedelta(seconds=20)


@pytest.mark.parametrize(
    "trouble",
    [
        FileTrouble(ends="ERROR"),
        FileTrouble(ends="UNAVAILABLE"),
        FileTrouble(gone=True),
        FileTrouble(cut_after_bytes=70),
        FileTrouble(content=b""),
        FileTrouble(content=b"x" * 65 * 8),
        FileTrouble(content=(b"0" * 64 + b"\n") * 8),
    ],
    ids=["error", "unavailable", "404", "cut", "empty", "junk", "other"],
)
def test_nothing_of_a_bad_file_is_applied(home: Installation, trouble: FileTrouble) -> None:
    home.bacen.trouble = trouble
    home.entries.entries.pop(entry_id_of(papers(3)))
    before = dict(home.entries.entries)
    result = home.run("FULL")
    assert result.status in ("FAILED", "PARTIAL")
    assert home.entries.entries == before
    assert not home.told("entry.corrected")
    home.bacen.trouble = FileTrouble()
    assert counts(home.run("FULL", "2")) == ("COMPLETED", 1, 0, 0, 1)


def test_reports_that_nobody_reads_end_the_run_before_anything_is_compared(
    home: Installation,
) -> None:
    home.backlog.oldest = home.simulation.now_ - timedelta(minutes=1)
    home.bacen.remove(papers(1))
    home.later()
    result = home.run()
    assert (result.status, result.error_message) == ("FAILED", "reports-unread")
    assert not home.told("review.opened")


def test_a_full_run_without_a_file_left_is_refused(tmp_path: Path) -> None:
    home = Installation(tmp_path, files_a_day=0)
    home.hold(papers(1))
    result = home.run("FULL")
    assert (result.status, result.error_message) == ("FAILED", "cid-files-spent")
    assert asked(home, "RequestCidFile") == 0
    home.close()


def test_no_two_runs_of_a_set_are_at_once(home: Installation) -> None:
    first, second = home.start(number="1"), home.start(number="2")
    home.simulation.run()
    results = [it.result for it in (first, second)]
    assert sorted(it["status"] for it in results) == ["COMPLETED", "FAILED"]
    assert {it["error_message"] for it in results} == {None, "already-runs"}
    assert len([run for run in home.runs.runs.values() if run.ref.key_type == "PHONE"]) == 1


def test_a_second_scheduler_of_a_day_does_nothing(home: Installation) -> None:
    for number in ("a", "b"):
        home.simulation.start("VSyncSchedulerWorkflow", None, f"vsync-scheduler-{number}")
        home.simulation.run()
    first, second = (
        home.simulation.executions[f"vsync-scheduler-{number}"].result for number in "ab"
    )
    assert (first["status"], second["status"]) == ("COMPLETED", "FAILED")
    assert second["error_message"] == "already-runs"
    assert asked(home, "CreateSyncVerification") == 5


def test_the_event_of_the_end_names_the_report(home: Installation) -> None:
    result = home.run()
    told: list[dict[str, Any]] = home.told("vsync.completed")
    (whole,) = [it for it in told if it["key_type"] is None]
    assert (whole["report_id"], whole["participant"]) == (str(result.report_id), ISPB)
    assert len(told) == 6
    assert len(home.told("vsync.started")) == 6


def test_the_settling_time_is_what_a_young_event_is_given(home: Installation) -> None:
    home.bacen.add(papers(50))
    result = home.run()
    assert counts(result) == ("COMPLETED", 1, 0, 0, 1)
    (corrected,) = home.told("entry.corrected")
    added = home.bacen.logs[PHONES][-1].event.at
    assert corrected["dict_time"] - added >= SETTLE - timedelta(seconds=30)


def test_wrong_values_of_ours_that_dict_never_had_are_corrected_by_their_key(
    home: Installation,
) -> None:
    home.tell(entry_id_of(papers(1)), 2, papers(1, name="Never At DICT"), PHONES)
    assert counts(home.run()) == ("COMPLETED", 0, 1, 0, 1)
    assert home.equal()
    assert asked(home, "RequestCidFile") == 0


def told_while_flagged(home: Installation, it: EntryPapers) -> VSyncResult:
    """Just when DICT has said that it does not have the CID, the key is registered again."""
    home.bacen.remove(papers(1))
    home.later()
    asks, told = home.bacen.entry_by_cid, False

    async def entry_by_cid(cid: bytes, participant: str, context: CallContext) -> Any:
        nonlocal told
        answer = await asks(cid, participant, context)
        if cid == papers(1).cid and not told:
            told = True
            home.later(timedelta(seconds=1))
            home.bacen.add(it)
            await home.report(*home.report_of(entry_id_of(papers(1)), 2, it, PHONES))
        return answer

    home.bacen.entry_by_cid = entry_by_cid  # type: ignore[method-assign]
    return home.run()


@pytest.mark.parametrize("name", ["Maria Souza", "Maria S."], ids=["same", "other-values"])
def test_a_report_beside_the_flagging_keeps_the_entry(home: Installation, name: str) -> None:
    told_while_flagged(home, papers(1, name=name))
    entry = home.entries.entries[entry_id_of(papers(1))]
    assert (entry.review_id, entry.cid) == (None, papers(1, name=name).cid)
    assert not home.told("review.opened")


def test_a_file_with_a_line_twice_is_none(home: Installation, tmp_path: Path) -> None:
    lines = b"".join(papers(number).cid.hex().encode() + b"\n" for number in (1, 2, 2))
    path = tmp_path / "twice"
    path.write_bytes(lines)
    ours = [np.frombuffer(papers(1).cid, np.uint8).reshape(1, 32)]
    with pytest.raises(FileInvalid, match="1 CIDs stand in it more than once"):
        compared(lambda: ours, path)


def bucket(home: Installation, operation: str, size: int, a_minute: float) -> dict[str, int]:
    """A bucket of DICT's that says nothing of when to come again; how often it was dry."""
    level, at, seen = float(size), home.simulation.now_, {"refused": 0, "served": 0}

    def script(name: str, _context: CallContext) -> None:
        nonlocal level, at
        if name != operation:
            return
        now = home.simulation.now_
        level = min(size, level + max(0.0, (now - at).total_seconds()) * a_minute / 60)
        at = max(now, at)
        if level < 1:
            seen["refused"] += 1
            raise DirectoryRefused("RateLimited", 429, "Slow down")
        level -= 1
        seen["served"] += 1

    home.bacen.script = script
    return seen


def test_more_differences_than_a_bucket_holds_are_repaired(home: Installation) -> None:
    home.bacen.add(*(papers(number) for number in range(1000, 1100)))
    home.later()
    seen = bucket(home, "GetEntryByCid", 36, 60)
    assert counts(home.run()) == ("COMPLETED", 100, 0, 0, 100)
    assert seen["served"] == 100
    assert seen["refused"] <= 20
    assert home.equal()


def test_one_entry_that_dict_does_not_show_holds_up_no_other(home: Installation) -> None:
    bad = papers(60)
    home.bacen.add(bad, *(papers(number) for number in range(61, 70)))
    home.later()

    home.bacen.hide(bad)
    result = home.run()
    assert (result.status, result.entries_created) == ("PARTIAL", 9)
    assert result.failed >= 1
    failed = [it for run in home.runs.runs for it in home.findings.of_run(run) if it.reason_code]
    assert {(it.state, it.reason_code) for it in failed} == {("FAILED", "Forbidden")}


def test_a_log_that_cannot_be_read_is_left_for_the_file(home: Installation) -> None:
    home.run()
    home.later(timedelta(hours=1))
    many = [papers(number) for number in range(1000, 1250)]  # of one instant: more than a page
    home.bacen.add(*many)
    for it in many[:-1]:
        home.tell(entry_id_of(it), 1, it, PHONES)
    home.later(timedelta(days=1))
    result = home.run(number="2")
    assert home.equal()
    assert result.entries_created == 1


def test_an_event_that_is_young_costs_no_file(home: Installation) -> None:
    home.run()
    home.later(timedelta(days=1))
    home.bacen.add(papers(50))
    assert counts(home.run(number="2")) == ("COMPLETED", 1, 0, 0, 1)
    assert asked(home, "RequestCidFile") == 0


def test_what_dict_calls_a_problem_is_cut_to_a_word(home: Installation) -> None:
    def refuse(_operation: str, _context: CallContext) -> None:
        raise DirectoryRefused("X" * 300, 400, "No")

    home.bacen.script = refuse
    home.run()
    assert {it["reason_code"] for it in home.told("vsync.failed")} == {"unknown"}


def test_two_reviews_of_one_run_are_two(home: Installation) -> None:
    home.bacen.remove(papers(1))
    home.later()
    done: list[int] = []

    def core(it: Installation, step: str) -> None:
        if step == "verify_sync" and it.told("review.opened") and not done:
            done.append(1)
            wrong = papers(1, name="Never At DICT")
            it.tell(entry_id_of(papers(1)), 2, wrong, PHONES)

    home.meanwhile = core
    home.run()
    ids = [it["review_id"] for it in home.told("review.opened")]
    assert len(ids) == len(set(ids)) == 2


def test_a_run_that_is_cancelled_says_so(home: Installation) -> None:
    home.bacen.add(papers(70))
    home.later()
    home.start()
    home.simulation.run(until=home.simulation.now_ + timedelta(seconds=4))
    home.simulation.executions[f"vsync-{ISPB}-PHONE"].cancel()
    home.simulation.run()
    (run,) = [it for it in home.runs.runs.values() if it.ref.key_type == "PHONE"]
    assert run.end is not None
    assert run.end.error == "cancelled"


def test_core_registers_a_key_again_under_its_old_id(home: Installation) -> None:
    it = papers(1)
    home.bacen.remove(it)
    home.tell(entry_id_of(it), 2, None, PHONES)
    home.later()
    again = papers(1, name="Maria Again")
    home.bacen.add(again)
    home.later()
    home.run()
    home.tell(entry_id_of(it), 3, again, PHONES)
    assert home.equal()
    assert home.entries.entries[entry_id_of(it)].cid == again.cid


def test_all_sets_share_the_files_of_a_day(tmp_path: Path) -> None:
    home = Installation(tmp_path, files_a_day=1)
    home.hold(papers(1))
    result = home.run("FULL")
    assert (result.status, asked(home, "RequestCidFile")) == ("PARTIAL", 1)
    home.close()


def test_orders_that_nobody_answers_are_counted(home: Installation) -> None:
    sent: list[str] = []

    def silent(operation: str, context: CallContext) -> None:
        if operation == "RequestCidFile":
            sent.append(context.request_id)
            raise DirectoryUnreachable("bridge-unreachable", "away")

    home.bacen.script = silent
    home.run("FULL")
    assert len(set(sent)) == len(home.runs.files) == 5
