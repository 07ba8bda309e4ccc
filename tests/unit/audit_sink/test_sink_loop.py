"""The loop: nothing acknowledged too early, batches overlap, poison waits for nobody."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest

from audit_sink.application import sink
from audit_sink.application.dead_letter_window import DeadLetterLimit, DeadLetterWindow
from audit_sink.application.keep_months import KeepMonths
from audit_sink.application.ports import Candidate, Decoded, Poison, Written
from audit_sink.application.sink import BATCHES_IN_FLIGHT_MAX, Outlets, Settled, Sink
from audit_sink.application.write_batch import WriteBatch
from dict_common.kernel.errors import Unavailable, Undeliverable
from dict_common.testing.clock import CountingIds, FixedClock
from tests.support.audit_partitions import MemoryPartitions, MemoryWatch
from tests.unit.audit_sink.test_writing import MemoryStore, candidate

NOW = datetime(2026, 1, 31, 23, tzinfo=UTC)
UNLIMITED = DeadLetterLimit(1_000, 1.0, 600)


class MemorySource:
    """Batches from a list; stops the sink when all of them are acknowledged."""

    def __init__(self, stop: asyncio.Event, *batches: list[int]) -> None:
        self.batches, self.acknowledged, self.stop = list(batches), list[int](), stop
        self.total = sum(len(batch) for batch in batches)
        self.away = 0

    async def batch(self) -> list[int]:
        if self.away:
            self.away -= 1
            raise Unavailable("pulsar-failed", "away")
        if self.batches:
            return self.batches.pop(0)
        if len(self.acknowledged) == self.total:
            self.stop.set()
        await asyncio.sleep(0)
        return []

    async def acknowledge(self, messages: Sequence[int]) -> None:
        self.acknowledged += messages


class Decoder:
    """Negative numbers are junk."""

    def __init__(self) -> None:
        self.asked = 0

    async def decode(self, messages: Sequence[int]) -> Decoded:
        self.asked += 1
        good = [candidate(it, place=place) for place, it in enumerate(messages) if it >= 0]
        junk = Undeliverable("undecodable", "junk")
        return Decoded(good, [Poison(place, junk) for place, it in enumerate(messages) if it < 0])


class GatedStore(MemoryStore):
    """Each write waits until it is let go; remembers how many were inside at once."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.most = 0, 0
        self.full = asyncio.Event()

    async def write(self, batch_id: UUID, candidates: Sequence[Candidate]) -> Written:
        self.inside += 1
        self.most = max(self.most, self.inside)
        if self.inside == BATCHES_IN_FLIGHT_MAX:
            self.full.set()
        await self.full.wait()
        self.inside -= 1
        return await super().write(batch_id, candidates)


class Bench:
    """A sink over memory."""

    def __init__(
        self,
        *batches: list[int],
        store: MemoryStore | None = None,
        limit: DeadLetterLimit = UNLIMITED,
    ) -> None:
        self.stop = asyncio.Event()
        self.store = store or MemoryStore()
        self.source, self.decoder = MemorySource(self.stop, *batches), Decoder()
        self.buried: list[int] = []
        self.acknowledged_at_burial: list[int] = []
        self.pauses: list[str] = []
        self.waits = False
        self.reported: list[int] = []
        self.stop_at_pause = 0
        self.bury_away = 0
        self.sink: Sink[int] = Sink(
            self.source,
            self.decoder,
            WriteBatch(self.store, CountingIds()),
            KeepMonths(MemoryPartitions(), FixedClock(NOW), 2, MemoryWatch()),
            DeadLetterWindow(limit),
            Outlets(self.bury, self.report, self.paused, self.resumed),
        )

    async def bury(self, message: int, _error: Undeliverable) -> None:
        if self.bury_away:
            self.bury_away -= 1
            raise Unavailable("pulsar-failed", "away")
        assert message not in self.source.acknowledged
        self.buried.append(message)
        self.acknowledged_at_burial = list(self.source.acknowledged)

    def report(self, settled: Settled[int]) -> None:
        assert settled.seconds >= 0
        assert settled.committed_seconds >= 0
        for it in settled.result.new:
            assert settled.messages[it.place] not in self.reported
            self.reported.append(settled.messages[it.place])

    def paused(self, error: Unavailable) -> None:
        self.pauses.append(error.reason_code)
        self.waits = True
        if len(self.pauses) == self.stop_at_pause:
            self.stop.set()

    def resumed(self) -> None:
        self.waits = False


async def test_sink_writes_acknowledges_and_then_buries() -> None:
    bench = Bench([1, -2, 3], [4])
    await bench.sink.run(bench.stop)
    assert bench.buried == [-2]
    assert sorted(bench.source.acknowledged) == [-2, 1, 3, 4]
    assert len(bench.store.digests) == 3
    assert sorted(bench.reported) == [1, 3, 4]


async def test_neighbours_of_poison_do_not_wait_for_its_burial() -> None:
    bench = Bench([1, -2, 3])
    bench.bury_away = 1
    await bench.sink.run(bench.stop)
    assert bench.acknowledged_at_burial == [1, 3]


async def test_batches_overlap_up_to_the_limit() -> None:
    store = GatedStore()
    bench = Bench(*([number] for number in range(1, 20)), store=store)
    await bench.sink.run(bench.stop)
    assert store.most == BATCHES_IN_FLIGHT_MAX
    assert sorted(bench.source.acknowledged) == list(range(1, 20))


async def test_batch_waits_in_memory_while_the_database_is_away() -> None:
    bench = Bench([1, 2])
    bench.store.away = 3
    await bench.sink.run(bench.stop)
    assert len(bench.pauses) == 3
    assert bench.source.acknowledged == [1, 2]
    assert bench.decoder.asked == 1, "what was decoded is kept"


async def test_broker_that_is_away_is_waited_for() -> None:
    bench = Bench([1, 2])
    bench.source.away = 2
    await bench.sink.run(bench.stop)
    assert bench.source.acknowledged == [1, 2]


async def test_stop_while_the_database_is_away_acknowledges_nothing() -> None:
    bench = Bench([1, 2])
    bench.store.away = 1_000
    bench.stop_at_pause = 2
    await bench.sink.run(bench.stop)
    assert bench.source.acknowledged == []


async def test_release_that_can_read_nothing_stops_burying() -> None:
    flood = [-number for number in range(1, 50)]
    bench = Bench([1], flood, [2], limit=DeadLetterLimit(10, 0.1, 600))
    bench.stop_at_pause = 1
    await bench.sink.run(bench.stop)
    assert len(bench.buried) == 10
    assert bench.pauses[0] == "dead-letters-too-many"
    assert set(bench.source.acknowledged) <= {1, 2, *bench.buried}


async def test_pause_is_over_with_what_waited_last() -> None:
    bench = Bench([-1])
    bench.bury_away = 1
    await bench.sink.run(bench.stop)
    assert (bench.pauses, bench.buried, bench.waits) == (["pulsar-failed"], [-1], False)


async def test_pause_goes_on_while_one_of_two_waits() -> None:
    bench = Bench([-1, -2])
    ready = asyncio.Event()
    still: list[bool] = []

    async def bury(message: int, error: Undeliverable) -> None:
        if message == -1 and not ready.is_set():
            raise Unavailable("pulsar-failed", "away")
        if message == -2 and not bench.buried:
            ready.set()
            raise Unavailable("pulsar-failed", "away")
        await bench.bury(message, error)
        still.append(bench.waits)

    bench.sink._outlets = Outlets(bury, bench.report, bench.paused, bench.resumed)
    await bench.sink.run(bench.stop)
    assert sorted(bench.buried) == [-2, -1]
    assert (still, bench.waits) == ([True, True], False)


async def test_letter_whose_burial_is_tried_again_counts_once() -> None:
    bench = Bench([-1, -2], limit=DeadLetterLimit(2, 0.1, 600))
    bench.bury_away = 3
    await bench.sink.run(bench.stop)
    assert sorted(bench.buried) == [-2, -1]
    assert sorted(bench.source.acknowledged) == [-2, -1]


def test_window_lets_the_first_letters_pass_and_then_asks_for_the_ratio() -> None:
    window = DeadLetterWindow(DeadLetterLimit(letters_max=3, ratio_max=0.1, seconds=100))
    window.passed(0, 10)
    assert [window.may_bury(1) for _ in range(4)] == [True, True, True, False]
    window.passed(2, 30)
    assert window.may_bury(3), "4 of 43 is within a tenth"
    assert not window.may_bury(3), "5 of 44 is not"


def test_window_forgets() -> None:
    window = DeadLetterWindow(DeadLetterLimit(letters_max=1, ratio_max=0.1, seconds=100))
    assert window.may_bury(0)
    assert not window.may_bury(99)
    assert window.may_bury(101)


async def test_bad_messages_among_many_good_ones_are_buried_however_many() -> None:
    junk = [-number for number in range(1, 9)]
    bench = Bench([*range(1, 21), *junk], limit=DeadLetterLimit(2, 0.5, 600))
    bench.stop_at_pause = 1
    await bench.sink.run(bench.stop)
    assert (sorted(bench.buried), bench.pauses) == (sorted(junk), [])


async def test_step_that_fails_is_tried_again_ever_later_but_soon_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []

    async def waited(stop: asyncio.Event, seconds: float) -> bool:
        waits.append(seconds)
        await asyncio.sleep(0)
        return stop.is_set()

    bench = Bench([1])
    bench.store.away = 8
    monkeypatch.setattr(sink, "stopped_within", waited)
    monkeypatch.setattr(sink, "MONTHS_SECONDS", 0.0)
    await bench.sink.run(bench.stop)
    tries = [it for it in waits if it]
    assert tries == [0.2, 0.4, 0.8, 1.6, 3.0, 3.0, 3.0, 3.0]


async def test_defect_of_the_upkeep_ends_the_sink() -> None:
    bench = Bench([1])
    bench.source.total = 2  # so that it goes on waiting for more

    async def broken() -> None:
        raise LookupError("a defect")

    keeps = bench.sink._keep_months
    calls = 0

    async def keep_months() -> None:
        nonlocal calls
        calls += 1
        await (keeps() if calls == 1 else broken())

    bench.sink._keep_months = cast("Any", keep_months)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sink, "MONTHS_SECONDS", 0.01)
        with pytest.raises(LookupError):
            await asyncio.wait_for(bench.sink.run(bench.stop), 60)
