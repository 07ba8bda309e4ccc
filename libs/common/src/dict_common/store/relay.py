"""The relay: from committed rows to topics, every event once.

One relay of a service is active: it holds an advisory lock on a connection of its own (a pool
would unlock on release), and numbers, sends and deletes through that connection alone. Losing it
ends the turn. Numbers are committed before they are sent, so that after a crash the same rows go
out under the same numbers and the broker drops what it has.

What the broker drops must have been sent. So no row is numbered before the broker was asked for the
last number of its topic, and none gets a number that was used: a database older than the topics (a
restored backup) halts the relay before it harms anything, however often that is interrupted.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from dict_common.kernel.errors import DictError, Unavailable
from dict_common.kernel.stopping import stopped_within
from dict_common.ports.outgoing import EventSender, NumberedEvent
from dict_common.store.database import timed_fetch
from dict_common.store.errors import unavailable_when_away
from dict_common.store.outbox import numbered_event
from dict_common.store.queries import load_queries
from dict_common.telemetry import metrics
from dict_common.telemetry.logs import logger
from dict_common.telemetry.probes import Health

_QUERIES = load_queries("dict_common.store", "outbox")
_log = logger(__name__)

BATCH_ROWS_MAX = 200
POLL_SECONDS_BUSY = 0.02
POLL_SECONDS_IDLE = 0.25
STANDBY_SECONDS = 0.5
RETRY_SECONDS_MIN = 0.2
RETRY_SECONDS_MAX = 5.0


class RelayHalted(DictError):
    """The database would give numbers a second time: the broker would drop what they stand for."""

    def __init__(self, service: str, detail: str) -> None:
        super().__init__(
            "relay-halted",
            f"{detail}; nothing is sent until `dictctl db new-epoch {service}`",
        )
        self.reason = detail
        """Without the advice: what is stored."""


@dataclass(frozen=True)
class Epoch:
    """What the numbers of this database are worth: producer name `{service}.relay.{epoch}`."""

    id: UUID
    last_publish_no: int
    halted_reason: str | None


OpenConnection = Callable[[], Awaitable["asyncpg.Connection[Any]"]]
OpenSender = Callable[[str], EventSender]
"""Given the producer name."""


class Relay:
    """Runs turns until stopped; a turn lasts while the lock is held."""

    def __init__(self, service: str, connect: OpenConnection, open_sender: OpenSender) -> None:
        self._service = service
        self._connect = connect
        self._open_sender = open_sender
        self.halted: str | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Relays until `stop`. A lost database or broker is waited for."""
        wait_seconds = RETRY_SECONDS_MIN
        while not stop.is_set():
            try:
                await self._stand_by(stop)
                wait_seconds = RETRY_SECONDS_MIN
            except Unavailable as error:
                _log.warning("relay-interrupted", reason=error.reason_code, detail=error.detail)
            except RelayHalted as error:
                self.halted = error.detail
                metrics.relay_halted.labels(self._service).set(1)
                _log.error("relay-halted", detail=error.detail)
            metrics.relay_active.labels(self._service).set(0)
            await stopped_within(stop, wait_seconds)
            wait_seconds = min(RETRY_SECONDS_MAX, wait_seconds * 2)

    async def _stand_by(self, stop: asyncio.Event) -> None:
        connection = await self._connect()
        try:
            async with unavailable_when_away("relay"):
                while not stop.is_set():
                    (row,) = await timed_fetch(connection, _QUERIES["relay_lock"])
                    if row["locked"]:
                        return await self._turn(connection, stop)
                    await stopped_within(stop, STANDBY_SECONDS)
        finally:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(connection.close(), RETRY_SECONDS_MAX)
            connection.terminate()
        return None

    async def _turn(self, connection: "asyncpg.Connection[Any]", stop: asyncio.Event) -> None:
        epoch = await self._epoch(connection)
        if epoch.halted_reason is not None:
            raise RelayHalted(self._service, epoch.halted_reason)
        metrics.relay_active.labels(self._service).set(1)
        metrics.relay_halted.labels(self._service).set(0)
        self.halted = None
        sender = self._open_sender(f"{self._service}.relay.{epoch.id}")
        _log.info("relay-active", epoch=str(epoch.id), last_publish_no=epoch.last_publish_no)
        turn = _Turn(self._service, connection, sender, epoch.last_publish_no)
        try:
            await turn.relay(stop)
        except RelayHalted as error:
            # For those who look: where this is lost, the next turn finds the same.
            await timed_fetch(connection, _QUERIES["relay_halt"], (error.reason,))
            raise
        finally:
            await sender.close()

    async def _epoch(self, connection: "asyncpg.Connection[Any]") -> Epoch:
        rows = await timed_fetch(connection, _QUERIES["relay_epoch"])
        if not rows:
            raise RelayHalted(self._service, "connect.relay_epoch has no row of this service")
        return Epoch(rows[0]["epoch"], rows[0]["last_publish_no"], rows[0]["halted_reason"])


class _Turn:
    """One relay's time with the lock, over a sender of its own: a send that fails ends both."""

    def __init__(
        self,
        service: str,
        connection: "asyncpg.Connection[Any]",
        sender: EventSender,
        used: int,
    ) -> None:
        self._service = service
        self._connection = connection
        self._sender = sender
        self._used = used
        """The highest number that this turn knows to be used."""
        self._opened: list[str] = []

    async def relay(self, stop: asyncio.Event) -> None:
        pause = POLL_SECONDS_BUSY
        while not stop.is_set():
            waiting = await timed_fetch(
                self._connection, _QUERIES["outbox_numbered"], (BATCH_ROWS_MAX,)
            )
            if waiting:
                await self._send([numbered_event(row) for row in waiting])
                pause = POLL_SECONDS_BUSY
            elif not await self._number():
                await stopped_within(stop, pause)
                pause = min(POLL_SECONDS_IDLE, pause * 2)

    async def _number(self) -> bool:
        """Gives numbers, or opens the topics that must be open first; False if nothing waits."""
        (row,) = await timed_fetch(
            self._connection, _QUERIES["outbox_number"], (BATCH_ROWS_MAX, self._opened, self._used)
        )
        if row["counted"] is None or row["counted"] < self._used:
            raise RelayHalted(
                self._service,
                f"number {self._used} was sent to the topics and the database counts from "
                f"{row['counted']}: it is older than the topics",
            )
        self._used = max(self._used, row["numbered_to"] or 0)
        for topic in row["unopened"]:
            self._used = max(self._used, await self._sender.open(topic))
            self._opened.append(topic)
        return bool(row["numbered_to"] or row["unopened"])

    async def _send(self, events: list[NumberedEvent]) -> None:
        """In order; what was confirmed is deleted even if a later one fails."""
        confirmed: list[int] = []
        try:
            for event in events:
                if not await self._sender.send(event):
                    metrics.outbox_duplicates.labels(self._service).inc()
                confirmed.append(event.row_id)
        finally:
            if confirmed:
                await timed_fetch(self._connection, _QUERIES["outbox_delete"], (confirmed,))
                metrics.outbox_published.labels(self._service).inc(len(confirmed))


async def run_relay(relay: Relay, stop: asyncio.Event, health: Health) -> None:
    """The work of a relay's process: relays until `stop`, ready while it is not halted."""

    async def not_halted() -> None:
        if relay.halted is not None:
            raise DictError("relay-halted", relay.halted)

    health.checks["relay"] = not_halted
    health.started = True
    await relay.run(stop)
