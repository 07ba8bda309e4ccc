"""The replayer over fakes: every message's effect once, whatever it is killed at."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import cast
from uuid import UUID, uuid4

import pytest

from audit_sink.application import replay
from audit_sink.application.replay import Replayer, Report
from audit_sink.application.replay_ports import ReplayRuns, Run
from audit_sink.domain.positions import Position, Published
from audit_sink.domain.replay import State
from dict_common.kernel.errors import Unavailable
from tests.support.desk_fakes import Killed, Life, Mortal
from tests.support.replay_fakes import (
    EPOCH,
    JUNK,
    REFUSED,
    RIVAL,
    InMemoryEventLog,
    InMemoryReplayRuns,
    Message,
    NumberDecoder,
    RunRow,
    messages,
)

CREATED, STEP = "claim.created", "workflow.step"


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds that a person would not notice are not waited for."""
    for name in ("POLL_SECONDS", "HOLD_SECONDS", "RETRY_SECONDS_MIN", "RETRY_SECONDS_MAX"):
        monkeypatch.setattr(replay, name, 0.001)


class Bench:
    """One memory, and processes that work in it."""

    def __init__(self, *topics: tuple[str, int, list[Message]]) -> None:
        self.log = InMemoryEventLog({(name, number): found for name, number, found in topics})
        self.runs = InMemoryReplayRuns()
        self.told: list[Unavailable] = []
        self.waited: list[bool] = []

    async def work(self, life: Life | None = None) -> None:
        """A process, until nothing is left to do or it is killed."""
        stop = asyncio.Event()
        runs = cast("ReplayRuns", Mortal(self.runs, life or Life()))

        report = Report(lambda _: None, self.told.append, self.waited.append)
        process = Replayer(runs, self.log, NumberDecoder(), uuid4, report)
        running = asyncio.create_task(process.run(stop))
        self.runs.idle.clear()
        idle = asyncio.create_task(self.runs.idle.wait())
        await asyncio.wait({running, idle}, return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()
        stop.set()
        try:
            await running
        finally:
            self.runs.expire()


def sums(row: RunRow) -> Counter[str]:
    """Over the run's spans."""
    total: Counter[str] = Counter()
    for span in row.spans:
        total.update(span.counts)
    return total


async def test_every_span_is_read_to_its_end() -> None:
    bench = Bench((CREATED, 0, messages(*range(1, 14))), (STEP, 3, messages(20, 21, 22)))
    row = bench.runs.ask(CREATED, STEP)
    await bench.work()
    assert row.state is State.COMPLETED
    assert bench.runs.rows == Counter([*range(1, 14), 20, 21, 22])
    assert sums(row) == Counter(messages=16, new=16, entries=9, outside=0, duplicates=0, refused=0)
    assert [span.span.entries for span in row.spans] == [7, 2]


async def test_what_is_published_after_the_start_is_not_read() -> None:
    bench = Bench((CREATED, 0, messages(1, 2)))
    row = bench.runs.ask(CREATED)
    claimed = await bench.runs.claim(uuid4())
    assert claimed is not None
    await bench.runs.plan(claimed, await bench.log.spans([CREATED], Published()))
    bench.runs.expire()
    bench.log.topics[STEP, 0] = messages(9)
    await bench.work()
    assert [span.span.topic for span in row.spans] == [CREATED]
    assert bench.runs.rows == Counter([1, 2])


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
async def test_killed_at_any_step_it_goes_on_where_it_was(before: bool) -> None:
    events = [1, 2, JUNK, 3, 3, 4, 5, 6, 7, 1, 8, 9]
    whole = Life()
    bench = Bench((CREATED, 0, messages(*events)))
    bench.runs.ask(CREATED)
    await bench.work(whole)
    assert whole.steps > 8
    for at in range(whole.steps):
        bench = Bench((CREATED, 0, messages(*events)))
        row = bench.runs.ask(CREATED)
        with suppress(Killed):
            await bench.work(Life(at, before))
        await bench.work()
        assert row.state is State.COMPLETED, f"killed at {at}"
        assert bench.runs.rows == Counter(range(1, 10)), f"killed at {at}"
        assert sums(row) == Counter(
            messages=12, new=9, duplicates=2, refused=1, entries=6, outside=0
        ), f"killed at {at}"


async def test_what_is_no_row_is_noted_and_passed() -> None:
    bench = Bench((CREATED, 0, messages(1, JUNK, 2, 3, JUNK, 4)))
    row = bench.runs.ask(CREATED)
    await bench.work()
    assert row.spans[0].refusals == [("7:0:0:1", "undecodable"), ("7:2:0:0", "undecodable")]
    assert (sums(row)["refused"], sums(row)["new"]) == (2, 4)


async def test_what_the_database_refuses_stands_alone() -> None:
    bench = Bench((CREATED, 0, messages(1, 3, REFUSED, 4, 5, 6)))
    row = bench.runs.ask(CREATED)
    await bench.work()
    assert row.state is State.COMPLETED
    assert bench.runs.rows == Counter([1, 3, 4, 5, 6])
    assert row.spans[0].refusals == [("7:1:0:0", "row-refused")]
    assert sums(row)["messages"] == 6


async def test_of_two_contents_the_one_that_stands_is_a_duplicate() -> None:
    """Whichever comes first, and though both are read together."""
    bench = Bench((CREATED, 0, messages(1, -RIVAL - 4, 4, 4, 2)))
    bench.runs.rows[4] += 1
    bench.runs.contents[4] = 4
    row = bench.runs.ask(CREATED)
    await bench.work()
    assert row.spans[0].refusals == [("7:0:0:1", "event-id-reused")]
    assert (sums(row)["duplicates"], sums(row)["new"]) == (2, 2)


async def test_many_contents_under_one_id_are_gone_through() -> None:
    bench = Bench((CREATED, 0, messages(*(-RIVAL * number - 4 for number in range(1, 400)))))
    row = bench.runs.ask(CREATED)
    await bench.work()
    assert row.state is State.COMPLETED
    assert (sums(row)["new"], sums(row)["refused"]) == (1, 398)


async def test_outside_of_the_times_nothing_is_stored() -> None:
    found = [
        Message(event, f"7:{event}:0:-1", EPOCH + timedelta(minutes=event)) for event in range(6)
    ]
    bench = Bench((CREATED, 0, found))
    asked = Published(EPOCH + timedelta(minutes=2), EPOCH + timedelta(minutes=4))
    row = bench.runs.ask(CREATED, published=asked)
    await bench.work()
    assert bench.runs.rows == Counter([2, 3])
    assert (sums(row)["outside"], sums(row)["messages"]) == (4, 6)


async def test_paused_run_is_left_and_resumed_where_it_was() -> None:
    bench = Bench((CREATED, 0, messages(*range(1, 40))))
    row = bench.runs.ask(CREATED)
    apply = bench.runs.apply

    async def pausing(run: object, step: object) -> None:
        await apply(run, step)  # type: ignore[arg-type]
        row.state = State.PAUSED

    bench.runs.apply = pausing  # type: ignore[method-assign]
    await bench.work()
    assert row.spans[0].position == Position(7, 2, 0)
    assert len(bench.runs.rows) == 5
    bench.runs.apply = apply  # type: ignore[method-assign]
    row.state = State.RUNNING
    await bench.work()
    assert bench.runs.rows == Counter(range(1, 40))


async def test_two_replayers_store_everything_once() -> None:
    bench = Bench(*((CREATED, it, messages(*range(it * 25, it * 25 + 20))) for it in range(4)))
    rows = [bench.runs.ask(CREATED) for _ in range(3)]
    await asyncio.gather(bench.work(), bench.work())
    assert {row.state for row in rows} == {State.COMPLETED}
    assert set(bench.runs.rows.values()) == {1}
    assert sum(sums(row)["new"] for row in rows) == 80
    assert all(sums(row)["messages"] == 80 for row in rows)


async def test_trouble_is_told_waited_for_and_over() -> None:
    bench = Bench((CREATED, 0, messages(*range(1, 12))))
    bench.log.away = 2
    row = bench.runs.ask(CREATED)
    await bench.work()
    assert [it.reason_code for it in bench.told] == ["pulsar-failed"] * 2
    assert row.state is State.COMPLETED
    assert row.waits_for is None
    assert bench.runs.rows == Counter(range(1, 12))


async def test_defect_of_one_run_holds_no_other() -> None:
    bench = Bench((CREATED, 0, messages(1, 2)), (STEP, 0, messages(3)))
    broken, good = bench.runs.ask(CREATED), bench.runs.ask(STEP)
    position = bench.runs.position

    async def failing(run: object, span: object) -> object:
        if run.id == broken.run.id and good.state is State.RUNNING:  # type: ignore[attr-defined]
            raise ZeroDivisionError
        return await position(run, span)  # type: ignore[arg-type]

    bench.runs.position = failing  # type: ignore[method-assign, assignment]
    await bench.work()
    assert {"replay-failed"} == {it.reason_code for it in bench.told}
    assert {broken.state, good.state} == {State.COMPLETED}


async def test_sandbox_that_cannot_be_dropped_holds_no_run() -> None:
    bench = Bench((CREATED, 0, messages(1, 2)))
    row = bench.runs.ask(CREATED)
    bench.runs.busy = True
    await bench.work()
    assert row.state is State.COMPLETED
    assert {it.reason_code for it in bench.told} == {"postgres-failed"}
    assert set(bench.waited) == {True}


async def test_what_waits_is_told_until_it_waits_no_more() -> None:
    bench = Bench((CREATED, 0, messages(*range(1, 12))))
    bench.log.away = 3
    bench.runs.ask(CREATED)
    await bench.work()
    bench.runs.ask(CREATED)
    await bench.work()
    assert not bench.waited[-1]


async def test_run_that_this_process_lost_and_claims_again_is_another_holders() -> None:
    bench = Bench((CREATED, 0, messages(*range(1, 30))))
    row = bench.runs.ask(CREATED)
    holders = []
    claim = bench.runs.claim

    async def noted(holder: UUID) -> Run | None:
        run = await claim(holder)
        if run is not None:
            holders.append(holder)
            if len(holders) == 1:
                row.holder = None  # its time is over, and nobody told it
        return run

    bench.runs.claim = noted  # type: ignore[method-assign]
    await bench.work()
    assert len(set(holders)) == len(holders) > 1
    assert bench.runs.rows == Counter(range(1, 30))
