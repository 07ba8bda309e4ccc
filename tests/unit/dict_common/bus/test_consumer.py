"""Which message is worked on next: keys keep their order and hold up no other key."""

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from dict_common.bus import consumer as module
from dict_common.bus.consumer import IN_HAND_MAX, Consumer, Handlers, Subscription
from dict_common.bus.dead_letters import DeadLetters
from dict_common.bus.incoming import Incoming
from dict_common.kernel.errors import InputRefused
from tests.support.waiting import until


class Broker:
    """Client and consumer: gives what it has, and keeps what was acknowledged."""

    def __init__(self, keys: list[str]) -> None:
        self._left = iter([_message(number, key) for number, key in enumerate(keys)])
        self.taken: list[str] = []
        self.acknowledged: list[str] = []

    async def subscribe(self, *_: Any, **__: Any) -> "Broker":
        """Itself."""
        return self

    async def receive(self) -> Incoming:
        """The next, or never again."""
        message = next(self._left, None)
        if message is None:
            await asyncio.Event().wait()
        assert message is not None
        self.taken.append(message.key)
        return message

    async def acknowledge(self, message: str) -> None:
        """Noted."""
        self.acknowledged.append(message)

    async def close(self) -> None:
        """Nothing is held."""


class Work:
    """Handles messages; those of the key `slow` only once it is let."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.let = asyncio.Event()

    async def handle(self, message: Incoming) -> None:
        """Takes as long as it is told."""
        self.begun.append(message.message_id)
        if message.key == "slow":
            await self.let.wait()

    async def refuse(self, _: Incoming, error: InputRefused) -> None:
        """Never."""
        raise AssertionError(error)


def _message(number: int, key: str) -> Incoming:
    id_ = f"{key}-{number}"
    return Incoming("t", 0, id_, key, {}, b"", datetime.now(UTC), 0, 0, message=id_)


@pytest.fixture(autouse=True)
def as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our broker gives what was read already."""
    monkeypatch.setattr(module, "incoming", lambda message: message)


async def _played(broker: Broker, work: Work, stop: asyncio.Event) -> None:
    consumer = Consumer(cast("Any", broker), Subscription("t", "s"), cast("DeadLetters", None))
    await consumer.run(Handlers(work.handle, work.refuse), stop, lambda: None)


async def _acknowledged(broker: Broker, count: int) -> None:
    async def look() -> bool:
        return len(broker.acknowledged) >= count

    await until(look, f"{count} messages are settled")


async def test_a_key_that_takes_long_holds_up_no_other() -> None:
    broker = Broker(["slow"] * (IN_HAND_MAX - 20) + [f"key-{it % 4}" for it in range(40)])
    work, stop = Work(), asyncio.Event()
    played = asyncio.create_task(_played(broker, work, stop))
    await _acknowledged(broker, 40)
    assert [it for it in work.begun if it.startswith("slow")] == ["slow-0"]
    work.let.set()
    await _acknowledged(broker, IN_HAND_MAX + 20)
    for key in ("slow", "key-0", "key-3"):
        numbers = [int(it.rpartition("-")[2]) for it in work.begun if it.startswith(key)]
        assert numbers == sorted(numbers)
    stop.set()
    await played


async def test_no_more_is_taken_than_may_be_in_hand() -> None:
    broker = Broker(["slow"] * IN_HAND_MAX + ["quick"])
    work, stop = Work(), asyncio.Event()
    played = asyncio.create_task(_played(broker, work, stop))

    async def full() -> bool:
        return len(broker.taken) == IN_HAND_MAX

    await until(full, "as many are taken as may be in hand")
    for _ in range(10):
        await asyncio.sleep(0)
    assert await full()
    stop.set()
    work.let.set()
    await played
