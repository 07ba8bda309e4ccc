"""Letters behind and before half a message: a sender died between two chunks of it."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pulsar
import pytest

from dict_common.bus.letters import Letters
from dict_common.kernel.errors import Unavailable
from dict_common.kernel.letter_ids import LETTER_UNREAD, LetterId

SERVICE = "claim-orchestrator"


@dataclass(frozen=True)
class Entry:
    """An entry of ledger 7: a message, or a part of one that began `chunks` entries before its
    last; half: it never came to an end."""

    number: int
    whole: bool = True
    begins_at: int | None = None


class Message:
    """As much of a client's message as `incoming` reads."""

    _message = SimpleNamespace(int_schema_version=lambda: -1)

    def __init__(self, number: int) -> None:
        self._number = number

    def topic_name(self) -> str:
        return f"persistent://dict/dead-letters/{SERVICE}-partition-0"

    def message_id(self) -> pulsar.MessageId:
        return pulsar.MessageId(0, 7, self._number, -1)

    def partition_key(self) -> str:
        return ""

    def properties(self) -> dict[str, str]:
        return {}

    def data(self) -> bytes:
        return b""

    def publish_timestamp(self) -> int:
        return int(datetime(2026, 1, 2, tzinfo=UTC).timestamp() * 1000)

    def redelivery_count(self) -> int:
        return 0


@dataclass
class Reader:
    """Hands over whole messages; has more while there are entries, whole or not."""

    entries: list[Entry]
    start: int
    at: int = 0

    def __post_init__(self) -> None:
        self.at = sum(entry.number < self.start for entry in self.entries)

    async def has_message_available(self) -> bool:
        return self.at < len(self.entries)

    async def read_next(self) -> Any:
        for place in range(self.at, len(self.entries)):
            entry = self.entries[place]
            begun = self.start if entry.begins_at is None else entry.begins_at
            if entry.whole and begun >= self.start:
                self.at = place + 1
                return Message(entry.number)
        return await asyncio.get_running_loop().create_future()

    async def close(self) -> None:
        pass


@dataclass
class Broker:
    """One partition."""

    entries: list[Entry]
    readers: list[Reader] = field(default_factory=list)

    async def get_topic_partitions(self, topic: str) -> list[str]:
        return [f"{topic}-partition-0"]

    async def create_reader(self, _topic: str, start: pulsar.MessageId, **_: object) -> Reader:
        number = start.entry_id() if start.ledger_id() == 7 else 0
        self.readers.append(Reader(self.entries, number))
        return self.readers[-1]

    @property
    def letters(self) -> Letters:
        return Letters(cast("Any", self), "dict", SERVICE)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dict_common.bus.letters.READ_SECONDS_MAX", 0.05)


def letter(number: int) -> LetterId:
    """Of ledger 7."""
    return LetterId(7, number, 0, -1)


async def test_partition_that_ends_in_half_a_message_is_read_up_to_it_and_told() -> None:
    letters = Broker([Entry(0), Entry(1), Entry(2, whole=False)]).letters
    seen = [message.message_id async for message in letters.walk()]
    assert seen == ["7:0:0:-1", "7:1:0:-1"]
    assert letters.cut_off == [f"persistent://dict/dead-letters/{SERVICE}-partition-0"]


async def test_half_a_message_in_the_middle_hides_nothing() -> None:
    letters = Broker([Entry(0), Entry(1, whole=False), Entry(2)]).letters
    assert len([message async for message in letters.walk()]) == 2
    assert letters.cut_off == []
    assert await letters.find(letter(2)) is not None
    assert await letters.find(letter(1)) is None


async def test_letter_before_half_a_message_is_found_one_behind_it_cannot_be_told() -> None:
    letters = Broker([Entry(0), Entry(1), Entry(2, whole=False)]).letters
    assert await letters.find(letter(1)) is not None
    with pytest.raises(Unavailable) as unread:
        await letters.find(letter(2))
    assert unread.value.reason_code == LETTER_UNREAD
    assert await letters.find(letter(0)) is not None


@pytest.mark.parametrize("chunks", [2, 5, 6, 30])
async def test_last_letter_of_many_chunks_is_found_from_its_first(chunks: int) -> None:
    parts = [Entry(number, whole=False) for number in range(10, 9 + chunks)]
    last = Entry(9 + chunks, begins_at=10)
    letters = Broker([*(Entry(number) for number in range(10)), *parts, last]).letters
    found = await letters.find(letter(last.number))
    assert found is not None
    assert found.message_id == str(letter(last.number))


async def test_letters_in_a_row_need_one_reader() -> None:
    broker = Broker([Entry(number) for number in range(300)])
    letters = broker.letters
    for number in range(0, 300, 3):
        assert await letters.find(letter(number)) is not None
    assert len(broker.readers) == 1


async def test_letter_that_retention_took_is_certainly_gone() -> None:
    letters = Broker([Entry(number) for number in range(50, 60)]).letters
    assert await letters.find(letter(3)) is None
    assert await letters.find(letter(55)) is not None
