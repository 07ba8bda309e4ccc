"""dictctl audit tail: the last ones, then each new one once, in the order of commits."""

import asyncio
import json
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from audit_sink.domain.audit_row import AuditRow
from tests.support.audit_rows import AuditWriter, audit_row, audit_writer
from tests.support.waiting import until
from tests.support.world import World, connect

STOP_SECONDS_MAX = 20.0


class Tail:
    """A tail at work: what it has printed, and what it has said."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.ids: list[str] = []
        self.said = ""
        assert process.stdout is not None
        assert process.stderr is not None
        self._reading = [
            asyncio.create_task(self._rows(process.stdout)),
            asyncio.create_task(self._words(process.stderr)),
        ]

    async def _rows(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            self.ids.append(json.loads(line)["event_id"])

    async def _words(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            self.said += line.decode()

    async def shows(self, count: int) -> None:
        """Waits until so many rows were printed."""

        async def there() -> bool:
            assert self.process.returncode is None, self.said
            return len(self.ids) >= count

        await until(there, f"{count} rows are shown")

    async def says(self, text: str) -> None:
        """Waits until it was said."""

        async def said() -> bool:
            return text in self.said

        await until(said, f"it says {text!r}")

    async def end(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        await asyncio.gather(*self._reading)
        return await asyncio.wait_for(self.process.wait(), STOP_SECONDS_MAX)


@asynccontextmanager
async def tailing(world: World, *words: str) -> AsyncIterator[Tail]:
    """A tail that follows; killed at the end if it still goes on."""
    tail = Tail(await world.start_dictctl("audit", "tail", "--follow", "-o", "json", *words))
    try:
        await tail.says("following the chain")
        yield tail
    finally:
        if tail.process.returncode is None:
            tail.process.kill()


def rows_of_now(count: int, **changes: Any) -> list[AuditRow]:
    """Rows of this moment, each a second older than the one before."""
    now = datetime.now(UTC)
    return [
        audit_row(occurred_at=now - timedelta(seconds=number), **changes) for number in range(count)
    ]


def ids_of(rows: list[AuditRow]) -> list[str]:
    """As they are printed."""
    return [str(row.event_id) for row in rows]


async def test_last_lines_the_oldest_first(world: World, writer: AuditWriter) -> None:
    mine = rows_of_now(30, participant_ispb="11111111")
    await writer.write([*mine, *rows_of_now(5, participant_ispb="22222222")])
    words = ("audit", "tail", "--lines", "7", "--participant", "11111111")
    done = world.dictctl(*words, "-o", "json")
    assert [json.loads(line)["event_id"] for line in done.stdout.splitlines()] == ids_of(
        mine[6::-1]
    )
    table = world.dictctl(*words)
    assert [line.split()[-1] for line in table.stdout.splitlines()] == ids_of(mine[6::-1])
    assert world.dictctl("audit", "tail", "--lines", "0").stdout == ""


async def test_each_row_of_several_sinks_once(world: World) -> None:
    async with (
        audit_writer(world) as one,
        audit_writer(world) as other,
        tailing(world, "--participant", "33333333", "--lines", "5") as tail,
    ):
        written: list[AuditRow] = []

        async def write(writer: AuditWriter, sizes: int) -> None:
            for size in range(1, sizes):
                rows = rows_of_now(size, participant_ispb="33333333")
                await writer.write([*rows, *rows_of_now(3, participant_ispb="44444444")])
                written.extend(rows)

        await asyncio.gather(write(one, 30), write(other, 20))
        await tail.shows(len(written))
        assert await tail.end() == 0
    assert sorted(tail.ids) == sorted(ids_of(written))


async def begin_event(connection: "asyncpg.Connection[Any]") -> tuple[UUID, UUID]:
    """A sink's transaction up to its chain number: event id and batch id."""
    event_id, batch_id = uuid4(), uuid4()
    await connection.execute(
        "INSERT INTO audit.workflow_events (event_id, workflow_type, workflow_id, event_type, "
        "occurred_at, source, aggregate_type, aggregate_id, aggregate_sequence, batch_id, leaf_no)"
        "VALUES ($1, 't', 'w', 'T', now(), 's', 'slow', '1', 1, $2, 0)",
        event_id,
        batch_id,
    )
    return event_id, batch_id


async def number_batch(connection: "asyncpg.Connection[Any]", batch_id: UUID) -> None:
    """The rest of it."""
    await connection.execute(
        "INSERT INTO audit.batches (batch_id, chain_no, rows, root) "
        "SELECT $1, COALESCE(max(chain_no), 0) + 1, 1, sha256('x') FROM audit.batches",
        batch_id,
    )


async def test_row_whose_sink_began_first_and_committed_last_is_not_missed(world: World) -> None:
    slow, quick = await world.connect(), await world.connect()
    async with tailing(world, "--aggregate", "slow/1", "--lines", "0") as tail:
        transaction = slow.transaction()
        await transaction.start()
        slow_event, slow_batch = await begin_event(slow)
        async with quick.transaction():
            quick_event, quick_batch = await begin_event(quick)
            await number_batch(quick, quick_batch)
        await tail.shows(1)
        await number_batch(slow, slow_batch)
        await transaction.commit()
        await tail.shows(2)
        assert await tail.end() == 0
    assert tail.ids == [str(quick_event), str(slow_event)]
    ids = await slow.fetch(
        "SELECT event_id FROM audit.workflow_events WHERE aggregate_type = 'slow' ORDER BY id"
    )
    assert [row["event_id"] for row in ids] == [slow_event, quick_event]
    await slow.close()
    await quick.close()


async def test_database_that_is_away_is_waited_for(world: World, writer: AuditWriter) -> None:
    await writer.write(rows_of_now(1))
    name = world.environment["DICT_POSTGRES_URL"].rpartition("/")[2]
    admin = await connect(world.environment, "postgres", "postgres")
    async with tailing(world, "--participant", "55555555") as tail:
        before = rows_of_now(2, participant_ispb="55555555")
        await writer.write(before)
        await tail.shows(2)
        await admin.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = $1 AND usename = 'operator_ro'",
            name,
        )
        await tail.says("is away")
        meanwhile = rows_of_now(3, participant_ispb="55555555")
        await writer.write(meanwhile)
        await admin.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")
        await tail.says("is back")
        await tail.shows(5)
        assert await tail.end() == 0
    assert tail.ids[2:] == ids_of(meanwhile)
    assert sorted(tail.ids[:2]) == sorted(ids_of(before))
    assert tail.said.count("is away") == 1
    await admin.close()


async def test_reader_that_goes_away_ends_it_quietly(world: World, writer: AuditWriter) -> None:
    process = await world.start_dictctl("audit", "tail", "--follow", "--lines", "0")
    assert process.stderr is not None
    await process.stderr.readuntil(b"Ctrl-C ends it\n")
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
    ended = asyncio.create_task(process.wait())

    async def gone() -> bool:
        await writer.write(rows_of_now(1))
        return ended.done()

    await until(gone, "it ends")
    assert (await ended, await process.stderr.read()) == (0, b"")
