"""The table that says where a message ends, and the consumer that obeys it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pulsar.asyncio
import pytest

from dict_common.bus.consumer import Consumer, Handlers, Subscription
from dict_common.bus.dead_letters import DeadLetters
from dict_common.bus.incoming import Incoming
from dict_common.bus.settle import (
    DEFECT_ATTEMPTS_MAX,
    Settlement,
    as_undeliverable,
    settlement_of,
)
from dict_common.kernel.errors import InputRefused, Unavailable, Undeliverable
from tests.support.waiting import until

REFUSED = InputRefused("key-invalid", "no")
BURIED = Undeliverable("undecodable", "junk")
AWAY = Unavailable("postgres-failed", "away")


@pytest.mark.parametrize(
    ("error", "attempt", "expected"),
    [
        (None, 1, Settlement.DONE),
        (REFUSED, 1, Settlement.REFUSED),
        (BURIED, 1, Settlement.BURIED),
        (AWAY, 1, Settlement.AGAIN),
        (AWAY, 1_000_000, Settlement.AGAIN),
        (KeyError("x"), 1, Settlement.AGAIN),
        (KeyError("x"), DEFECT_ATTEMPTS_MAX, Settlement.BURIED),
    ],
)
def test_table(error: Exception | None, attempt: int, expected: Settlement) -> None:
    assert settlement_of(error, attempt) is expected


def test_defect_shows_its_type_and_never_its_text() -> None:
    reason = as_undeliverable(KeyError("+5561988880000"))
    assert reason.reason_code == "processing-failed"
    assert "KeyError" in reason.detail
    assert "5561988880000" not in reason.detail


class FakeMessage:
    """As much of a client's message as the consumer reads."""

    _message = SimpleNamespace(int_schema_version=lambda: 0)

    def __init__(self, key: str, body: bytes) -> None:
        self._key, self._body = key, body

    def topic_name(self) -> str:
        return "persistent://dict/commands/claim.create-partition-0"

    def message_id(self) -> Any:
        return pulsar.MessageId(0, 1, 2, -1)

    def partition_key(self) -> str:
        return self._key

    def properties(self) -> dict[str, str]:
        return {}

    def data(self) -> bytes:
        return self._body

    def publish_timestamp(self) -> int:
        return int(datetime.now(UTC).timestamp() * 1000)

    def redelivery_count(self) -> int:
        return 0


class FakeSubscription:
    """A client and consumer in one: hands out messages, remembers what was acknowledged."""

    def __init__(self, *messages: FakeMessage) -> None:
        self._waiting: asyncio.Queue[FakeMessage] = asyncio.Queue()
        for message in messages:
            self._waiting.put_nowait(message)
        self.acknowledged: list[bytes] = []

    async def subscribe(self, *_args: object, **_options: object) -> "FakeSubscription":
        return self

    async def receive(self) -> FakeMessage:
        return await self._waiting.get()

    async def acknowledge(self, message: FakeMessage) -> None:
        self.acknowledged.append(message.data())

    async def close(self) -> None:
        """Nothing to let go of."""


class Graveyard:
    """DeadLetters that remembers; `away` makes it fail."""

    def __init__(self) -> None:
        self.buried: list[tuple[bytes, str]] = []
        self.away = 0

    async def bury(self, message: Incoming, _consumer: str, error: Undeliverable) -> None:
        if self.away:
            self.away -= 1
            raise AWAY
        self.buried.append((message.body, error.reason_code))


async def consume(
    subscription: FakeSubscription,
    graveyard: Graveyard,
    handlers: Handlers,
    over: Callable[[], bool],
) -> None:
    """Runs a consumer until `over`."""
    consumer = Consumer(
        cast("pulsar.asyncio.Client", subscription),
        Subscription("persistent://dict/commands/claim.create", "test"),
        cast("DeadLetters", graveyard),
    )
    stop = asyncio.Event()
    running = asyncio.create_task(consumer.run(handlers, stop, lambda: None))

    async def look() -> bool:
        return over()

    await until(look, "the consumer did its work")
    stop.set()
    await running


async def refuse_nothing(_message: Incoming, error: InputRefused) -> None:
    """No test comes here."""
    raise AssertionError(error)


async def test_unavailable_repeats_the_same_message_and_neighbours_go_on() -> None:
    subscription = FakeSubscription(FakeMessage("a", b"slow"), FakeMessage("b", b"quick"))
    attempts: list[bytes] = []

    async def handle(message: Incoming) -> None:
        attempts.append(message.body)
        if message.body == b"slow" and attempts.count(b"slow") < 3:
            raise AWAY

    await consume(
        subscription,
        Graveyard(),
        Handlers(handle, refuse_nothing),
        lambda: len(subscription.acknowledged) == 2,
    )
    assert subscription.acknowledged == [b"quick", b"slow"]
    assert attempts.count(b"slow") == 3


async def test_order_within_a_key_is_kept() -> None:
    bodies = [str(number).encode() for number in range(50)]
    subscription = FakeSubscription(*(FakeMessage("one", body) for body in bodies))
    handled: list[bytes] = []

    async def handle(message: Incoming) -> None:
        await asyncio.sleep(0)
        handled.append(message.body)

    await consume(
        subscription,
        Graveyard(),
        Handlers(handle, refuse_nothing),
        lambda: len(subscription.acknowledged) == len(bodies),
    )
    assert handled == bodies


async def test_poison_is_buried_before_it_is_acknowledged() -> None:
    subscription, graveyard = FakeSubscription(FakeMessage("a", b"junk")), Graveyard()
    graveyard.away = 2

    async def handle(_message: Incoming) -> None:
        assert not subscription.acknowledged
        raise BURIED

    await consume(
        subscription,
        graveyard,
        Handlers(handle, refuse_nothing),
        lambda: bool(subscription.acknowledged),
    )
    assert graveyard.buried == [(b"junk", "undecodable")]


async def test_refusal_is_told_and_a_refusal_that_fails_is_told_again() -> None:
    subscription = FakeSubscription(FakeMessage("a", b"bad"))
    told: list[str] = []

    async def handle(_message: Incoming) -> None:
        raise REFUSED

    async def refuse(_message: Incoming, error: InputRefused) -> None:
        told.append(error.reason_code)
        if len(told) == 1:
            raise AWAY

    await consume(
        subscription,
        Graveyard(),
        Handlers(handle, refuse),
        lambda: bool(subscription.acknowledged),
    )
    assert told == ["key-invalid", "key-invalid"]


async def test_stop_leaves_what_is_not_done_unacknowledged() -> None:
    subscription = FakeSubscription(FakeMessage("a", b"held"))
    begun: list[bytes] = []

    async def handle(message: Incoming) -> None:
        begun.append(message.body)
        raise AWAY

    await consume(subscription, Graveyard(), Handlers(handle, refuse_nothing), lambda: bool(begun))
    assert subscription.acknowledged == []


async def test_defect_is_buried_after_its_attempts() -> None:
    subscription, graveyard = FakeSubscription(FakeMessage("a", b"bug")), Graveyard()
    attempts: list[bytes] = []

    async def handle(message: Incoming) -> None:
        attempts.append(message.body)
        raise KeyError("x")

    await consume(
        subscription,
        graveyard,
        Handlers(handle, refuse_nothing),
        lambda: bool(subscription.acknowledged),
    )
    assert len(attempts) == DEFECT_ATTEMPTS_MAX
    assert graveyard.buried == [(b"bug", "processing-failed")]
