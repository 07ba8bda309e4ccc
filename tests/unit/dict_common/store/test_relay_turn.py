"""The relay's turn on a scripted database: what is resent, what halts it, what is deleted."""

import asyncio
from typing import Any, cast

import pytest

from dict_common.kernel.errors import Unavailable
from dict_common.ports.outgoing import NumberedEvent
from dict_common.store.relay import Relay, RelayHalted, _Turn
from dict_common.testing.sender import RecordingSender
from tests.unit.dict_common.store.rows import row


class ScriptedConnection:
    """Answers the relay's queries from memory."""

    def __init__(self, *numbers: int) -> None:
        self.rows = {number: row(number) for number in numbers}
        self.stop = asyncio.Event()

    async def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        if sql.startswith("DELETE"):
            self.rows = {n: it for n, it in self.rows.items() if it["id"] not in arguments[0]}
            return []
        if "publish_no IS NOT NULL" in sql:
            if not self.rows:
                self.stop.set()
            return [self.rows[number] for number in sorted(self.rows)]
        return [{"numbered": 0}]


def turn(
    connection: ScriptedConnection, sender: RecordingSender, numbered_before: int
) -> tuple[_Turn, asyncio.Event]:
    """A turn over the script."""
    return _Turn("s", cast("Any", connection), sender, numbered_before), connection.stop


async def test_rows_are_sent_in_order_and_deleted() -> None:
    connection, sender = ScriptedConnection(3, 1, 2), RecordingSender()
    relaying, stop = turn(connection, sender, 0)
    await relaying.relay(stop)
    assert [event.publish_no for event in sender.stored] == [1, 2, 3]
    assert connection.rows == {}


async def test_known_number_from_before_is_a_resend() -> None:
    connection, sender = ScriptedConnection(1, 2), RecordingSender()
    sender.last["events/workflow.step"] = 1
    relaying, stop = turn(connection, sender, 2)
    await relaying.relay(stop)
    assert [event.publish_no for event in sender.stored] == [2]
    assert connection.rows == {}


async def test_known_number_that_was_never_sent_halts_and_keeps_the_row() -> None:
    connection, sender = ScriptedConnection(1, 2), RecordingSender()
    sender.last["events/workflow.step"] = 5
    relaying, stop = turn(connection, sender, 0)
    with pytest.raises(RelayHalted, match="new-epoch"):
        await relaying.relay(stop)
    assert sorted(connection.rows) == [1, 2]


async def test_failed_send_reopens_and_keeps_what_was_not_confirmed() -> None:
    connection, sender = ScriptedConnection(1, 2, 3), RecordingSender()

    def fail_at_two(event: NumberedEvent) -> None:
        if event.publish_no == 2:
            raise Unavailable("pulsar-failed", "cut")

    sender.before_send = fail_at_two
    relaying, stop = turn(connection, sender, 0)
    with pytest.raises(Unavailable):
        await relaying.relay(stop)
    assert sender.reopened == 1
    assert sorted(connection.rows) == [2, 3]


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
