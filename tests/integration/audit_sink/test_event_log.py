"""Events read again from the real broker: ranges, resumption, a fixed end, several ledgers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pulsar
import pytest

from audit_sink.adapters import pulsar_event_log
from audit_sink.adapters.pulsar_event_log import PulsarEventLog
from audit_sink.domain.positions import Position, Published, Span
from dict_common.bus.incoming import Incoming
from dict_common.bus.schemas import Encoded
from dict_common.kernel.errors import Unavailable
from dict_schemas.topics import topics
from tests.support.events import step_event
from tests.support.half_message import leave_half_a_message
from tests.support.processes import free_address
from tests.support.world import World

EVERYTHING = Published()
_UNUSED = iter(it.name for it in topics() if it.namespace == "events")


@dataclass(frozen=True)
class Shelf:
    """A topic that no other test uses."""

    world: World
    topic: str

    def partition(self, number: int) -> str:
        """Its full name."""
        tenant = self.world.environment["DICT_PULSAR_TENANT"]
        return f"persistent://{tenant}/events/{self.topic}-partition-{number}"

    def sent(self, count: int, *, batch: int = 1, partition: int = 0) -> list[str]:
        """Sends so many events by a producer of its own; their ids."""
        sender = Sender(self, batch=batch, partition=partition)
        try:
            return sender.send(count)
        finally:
            sender.close()

    async def span(self, log: PulsarEventLog, published: Published = EVERYTHING) -> Span:
        """Of the only partition that has something."""
        (span,) = await log.spans([self.topic], published)
        return span

    async def admin(self, method: str, what: str) -> httpx.Response:
        """Asks the broker about its first partition."""
        url = self.world.environment["DICT_PULSAR_ADMIN_URL"].rstrip("/")
        path = self.partition(0).replace("://", "/")
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            answer = await client.request(method, f"{url}/admin/v2/{path}/{what}")
        answer.raise_for_status()
        return answer


@pytest.fixture
def shelf(world: World) -> Shelf:
    """The next one."""
    return Shelf(world, next(_UNUSED))


@asynccontextmanager
async def log_of(world: World, **changes: str) -> AsyncIterator[PulsarEventLog]:
    """A log of the world."""
    given = world.environment | changes
    log = PulsarEventLog(
        given["DICT_PULSAR_URL"], given["DICT_PULSAR_ADMIN_URL"], given["DICT_PULSAR_TENANT"]
    )
    try:
        yield log
    finally:
        await log.close()


class Sender:
    """Sends to one partition, in batches of so many messages."""

    def __init__(self, shelf: Shelf, *, batch: int, partition: int = 0) -> None:
        self._client = pulsar.Client(shelf.world.environment["DICT_PULSAR_URL"])
        self._batch = batch
        self._producer = self._client.create_producer(
            shelf.partition(partition),
            schema=Encoded(shelf.topic),
            batching_enabled=batch > 1,
            batching_max_messages=max(2, batch),
            batching_max_publish_delay_ms=60_000,
        )

    def send(self, count: int) -> list[str]:
        """Sends so many events; their ids."""
        events = [step_event() for _ in range(count)]
        for number, event in enumerate(events, start=1):
            self._producer.send_async(event.body, None, properties=dict(event.properties))
            if number % self._batch == 0:
                self._producer.flush()
        self._producer.flush()
        return [str(event.envelope.id) for event in events]

    def close(self) -> None:
        """Lets go."""
        self._client.close()


async def read(log: PulsarEventLog, span: Span, after: Position | None = None) -> list[Incoming]:
    """The whole span."""
    return [message async for piece in log.read(span, after) for message in piece]


def ids_of(messages: list[Incoming]) -> list[str]:
    """Event ids in the order in which they were read."""
    return [message.properties["ce_id"] for message in messages]


async def test_batches_are_read_whole_and_in_order(shelf: Shelf) -> None:
    ids = shelf.sent(250, batch=100)
    async with log_of(shelf.world) as log:
        span = await shelf.span(log)
        assert (span.topic, span.partition, span.entries) == (shelf.topic, 0, 3)
        assert span.bytes > 0
        messages = await read(log, span)
    assert ids_of(messages) == ids
    assert [Position.parse(it.message_id).batch for it in messages[:3]] == [0, 1, 2]
    assert messages[0].schema_version >= 0


async def test_reading_goes_on_in_the_middle_of_a_batch(shelf: Shelf) -> None:
    ids = shelf.sent(30, batch=10)
    async with log_of(shelf.world) as log:
        span = await shelf.span(log)
        messages = await read(log, span)
        for place in (0, 4, 9, 10, 17, 28):
            after = Position.parse(messages[place].message_id)
            assert ids_of(await read(log, span, after)) == ids[place + 1 :]
        assert await read(log, span, Position.parse(messages[-1].message_id)) == []


async def test_end_stands_while_more_is_published(shelf: Shelf) -> None:
    sender = Sender(shelf, batch=1)
    ids = sender.send(20)
    async with log_of(shelf.world) as log:
        span = await shelf.span(log)
        sender.send(3)
        read_ids: list[str] = []
        async for piece in log.read(span, None):
            sender.send(50)
            read_ids += ids_of(list(piece))
        assert read_ids == ids
        assert (await shelf.span(log)).entries > 20
    sender.close()


async def test_end_within_batches_stands_too(shelf: Shelf) -> None:
    sender = Sender(shelf, batch=10)
    ids = sender.send(20)
    async with log_of(shelf.world) as log:
        span = await shelf.span(log)
        sender.send(20)
        assert ids_of(await read(log, span)) == ids
    sender.close()


async def test_several_ledgers_are_one_log(shelf: Shelf) -> None:
    ids = []
    for count in (5, 1, 7):
        ids += shelf.sent(count)
        await shelf.admin("PUT", "unload")  # what comes next is in another ledger
    async with log_of(shelf.world) as log:
        span = await shelf.span(log)
        assert span.entries == 13
        messages = await read(log, span)
        assert ids_of(messages) == ids
        assert len({Position.parse(it.message_id).ledger for it in messages}) == 3
        after = Position.parse(messages[4].message_id)
        assert ids_of(await read(log, span, after)) == ids[5:]
        # The ledger that the broker writes is empty: the end is in the one before it.
        assert span.last == Position.parse(messages[-1].message_id)


async def test_publish_times_choose_entries_with_a_margin(shelf: Shelf) -> None:
    ids = shelf.sent(12)
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    async with log_of(shelf.world) as log:
        for published in (
            Published(now - hour, now + hour),
            Published(since=now - hour),
            Published(until=now + hour),
            Published(now - timedelta(minutes=1), now),
        ):
            assert ids_of(await read(log, await shelf.span(log, published))) == ids
        assert await log.spans([shelf.topic], Published(since=now + hour)) == []
        assert await log.spans([shelf.topic], Published(now + hour, now + 2 * hour)) == []
        before = await log.spans([shelf.topic], Published(until=now - hour))
        assert [span.entries for span in before] in ([], [1])


async def test_partitions_without_anything_are_left_out(shelf: Shelf) -> None:
    async with log_of(shelf.world) as log:
        assert await log.spans([shelf.topic], EVERYTHING) == []
        ids = shelf.sent(3, partition=1)
        span = await shelf.span(log)
        assert span.partition == 1
        assert ids_of(await read(log, span)) == ids


async def test_several_partitions_are_read_beside_each_other(shelf: Shelf) -> None:
    first, second = shelf.sent(40, batch=7), shelf.sent(40, partition=1)
    async with log_of(shelf.world) as log:
        spans = await log.spans([shelf.topic], EVERYTHING)
        assert [span.partition for span in spans] == [0, 1]
        one, other = log.read(spans[0], None), log.read(spans[1], None)
        assert ids_of([*await anext(one), *await anext(other)]) == first + second
        await one.aclose()
        await other.aclose()


async def test_reading_leaves_no_trace(shelf: Shelf) -> None:
    shelf.sent(5)
    async with log_of(shelf.world) as log:
        reading = log.read(await shelf.span(log), None)
        await anext(reading)
        await reading.aclose()
    assert (await shelf.admin("GET", "subscriptions")).json() == []


async def test_topics_are_those_of_the_broker(shelf: Shelf) -> None:
    async with log_of(shelf.world) as log:
        known = {it.name: 2 for it in topics() if it.namespace == "events"}
        assert await log.topics() == known


async def test_broker_that_is_away_is_unavailable(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulsar_event_log, "OPERATION_SECONDS_MAX", 2)
    shelf.sent(1)
    nowhere = free_address()
    async with log_of(shelf.world, DICT_PULSAR_ADMIN_URL=f"http://{nowhere}") as log:
        with pytest.raises(Unavailable) as refused:
            await log.spans([shelf.topic], EVERYTHING)
        assert refused.value.reason_code == "broker-away"
    async with log_of(shelf.world, DICT_PULSAR_URL=f"pulsar://{nowhere}") as log:
        with pytest.raises(Unavailable):
            await log.spans(["no.such.topic"], EVERYTHING)
        with pytest.raises(Unavailable) as refused:
            await read(log, await shelf.span(log))
        assert refused.value.reason_code == "pulsar-failed"


async def test_half_a_message_at_the_end_is_read_by_nobody_and_waited_for_by_nobody(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulsar_event_log, "EMPTY_MAX", 2)
    before = shelf.sent(3)
    await leave_half_a_message(shelf.world, shelf.topic)
    async with log_of(shelf.world) as log:
        span = await shelf.span(log)
        assert span.entries > 3
        assert ids_of(await read(log, span)) == before
        behind = shelf.sent(2)
        assert ids_of(await read(log, await shelf.span(log))) == before + behind
