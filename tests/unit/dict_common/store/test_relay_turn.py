"""The relay's turn on a scripted database: what is resent, what halts it, what is deleted."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast
from uuid import UUID

import pytest

from dict_common.kernel.errors import Unavailable
from dict_common.ports.outgoing import NumberedEvent
from dict_common.store.relay import Relay, RelayHalted, _Turn
from dict_common.testing.sender import RecordingSender
from tests.unit.dict_common.store.rows import row

TOPIC = "events/workflow.step"
EPOCH = UUID(int=7)


class OutboxInMemory:
    """The relay's queries, answered as `outbox.sql` would; it stops the relay once it is empty."""

    def __init__(self, numbered: Sequence[int], waiting: int = 0, counted: int = 0) -> None:
        self.rows = [row(number) for number in numbered]
        self.waiting = [row(100 + place) | {"publish_no": None} for place in range(waiting)]
        self.counted = counted
        self.halted: str | None = None
        self.stop = asyncio.Event()
        self.before: Callable[[str], None] = lambda _sql: None

    async def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        self.before(sql)
        if "pg_try_advisory_lock" in sql:
            return [{"locked": True}]
        if sql.startswith("SELECT epoch"):
            epoch = {"epoch": EPOCH, "last_publish_no": self.counted}
            return [epoch | {"halted_reason": self.halted}]
        if "SET halted_reason" in sql:
            self.halted = arguments[0]
            return []
        if sql.startswith("DELETE"):
            self.rows = [it for it in self.rows if it["id"] not in arguments[0]]
            return []
        if "publish_no IS NOT NULL" in sql:
            return sorted(self.rows, key=lambda it: int(it["publish_no"]))
        return [self._number(*arguments)]

    def _number(self, _limit: int, opened: Sequence[str], used: int) -> dict[str, Any]:
        if not self.waiting:
            self.stop.set()
        counted, unopened = self.counted, {it["topic"] for it in self.waiting} - set(opened)
        if not self.waiting or unopened or counted < used:
            return {"counted": counted, "numbered_to": None, "unopened": sorted(unopened)}
        for it in self.waiting:
            self.counted += 1
            self.rows.append(it | {"publish_no": self.counted})
        self.waiting = []
        return {"counted": counted, "numbered_to": self.counted, "unopened": []}

    async def close(self) -> None:
        """Nothing to close."""

    def terminate(self) -> None:
        """Nothing to end."""


def turn(outbox: OutboxInMemory, sender: RecordingSender) -> _Turn:
    """A turn over it."""
    return _Turn("s", cast("Any", outbox), sender, outbox.counted)


async def test_rows_are_sent_in_order_and_deleted() -> None:
    outbox, sender = OutboxInMemory([3, 1, 2], waiting=2, counted=3), RecordingSender()
    await turn(outbox, sender).relay(outbox.stop)
    assert [event.publish_no for event in sender.stored] == [1, 2, 3, 4, 5]
    assert outbox.rows == outbox.waiting == []


async def test_numbered_row_that_the_broker_knows_is_a_resend() -> None:
    outbox, sender = OutboxInMemory([1, 2], counted=2), RecordingSender()
    sender.last[TOPIC] = 1
    await turn(outbox, sender).relay(outbox.stop)
    assert [event.publish_no for event in sender.stored] == [2]
    assert outbox.rows == []


async def test_database_older_than_the_topics_numbers_nothing() -> None:
    outbox, sender = OutboxInMemory([], waiting=2), RecordingSender()
    sender.last[TOPIC] = 5
    with pytest.raises(RelayHalted, match="new-epoch"):
        await turn(outbox, sender).relay(outbox.stop)
    assert (len(outbox.waiting), outbox.counted, sender.stored) == (2, 0, [])


async def test_older_database_and_a_name_that_is_still_held_lose_nothing() -> None:
    outbox, sender = OutboxInMemory([], waiting=2), RecordingSender()
    sender.last[TOPIC] = 5
    sender.busy.add(TOPIC)
    with pytest.raises(Unavailable):
        await turn(outbox, sender).relay(outbox.stop)
    sender.busy.clear()
    with pytest.raises(RelayHalted):
        await turn(outbox, sender).relay(outbox.stop)
    assert (len(outbox.waiting), sender.stored) == (2, [])


async def test_database_replaced_while_a_relay_is_at_work_numbers_nothing() -> None:
    outbox, sender = OutboxInMemory([], waiting=3), RecordingSender()

    def replace(sql: str) -> None:
        if sql.startswith("DELETE"):
            outbox.counted, outbox.waiting = 1, [row(200) | {"publish_no": None}]

    outbox.before = replace
    with pytest.raises(RelayHalted, match=r"number 3 was sent.*counts from 1"):
        await turn(outbox, sender).relay(outbox.stop)
    assert (len(outbox.waiting), len(sender.stored)) == (1, 3)


async def test_halt_that_cannot_be_stored_is_found_again() -> None:
    outbox, sender = OutboxInMemory([], waiting=2), RecordingSender()
    sender.last[TOPIC] = 5
    cuts = [1]

    def cut_once(sql: str) -> None:
        if "SET halted_reason" in sql and cuts:
            cuts.clear()
            raise ConnectionResetError

    outbox.before = cut_once
    opened: list[str] = []

    async def connect() -> Any:
        if outbox.halted:
            outbox.stop.set()
        return outbox

    def open_sender(name: str) -> RecordingSender:
        opened.append(name)
        return sender

    await Relay("s", connect, open_sender).run(outbox.stop)
    assert opened == [f"s.relay.{EPOCH}"] * 2
    assert "older than the topics" in str(outbox.halted)
    assert (len(outbox.waiting), sender.stored) == (2, [])


async def test_failed_send_ends_the_turn_and_keeps_what_was_not_confirmed() -> None:
    outbox, sender = OutboxInMemory([1, 2, 3], counted=3), RecordingSender()

    def fail_at_two(event: NumberedEvent) -> None:
        if event.publish_no == 2:
            raise Unavailable("pulsar-failed", "cut")

    sender.before_send = fail_at_two
    with pytest.raises(Unavailable):
        await turn(outbox, sender).relay(outbox.stop)
    assert sorted(it["publish_no"] for it in outbox.rows) == [2, 3]


async def test_database_that_is_away_is_tried_again_until_stopped() -> None:
    tries: list[int] = []
    stop = asyncio.Event()

    async def connect() -> Any:
        tries.append(1)
        if len(tries) == 3:
            stop.set()
        raise Unavailable("postgres-failed", "away")

    await Relay("s", connect, lambda _name: RecordingSender()).run(stop)
    assert len(tries) == 3
