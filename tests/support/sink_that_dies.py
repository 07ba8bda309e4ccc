"""A sink that kills itself: `python -m tests.support.sink_that_dies`, SINK_DIES=POINT:N.

At its N-th passage of the point; POINTS says where they are. Everything else is the product's.
"""

import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from audit_sink.adapters.event_decoder import EventDecoder
from audit_sink.adapters.postgres_audit_store import Also, PostgresAuditStore
from audit_sink.adapters.pulsar_event_source import PulsarEventSource
from audit_sink.application.ports import Candidate, Decoded, Written
from audit_sink.application.write_batch import WriteBatch
from audit_sink.bootstrap import sink as bootstrap
from audit_sink.bootstrap.foundations import SERVICE, frame
from audit_sink.bootstrap.sink import Adapters
from audit_sink.entrypoints import sink
from dict_common.bus.dead_letters import DeadLetters
from dict_common.bus.incoming import Incoming
from dict_common.bus.redrive import BuriedAgain
from dict_common.kernel.errors import Undeliverable
from dict_common.kernel.ids import new_id
from dict_common.telemetry.process import run_process

POINTS = (
    "received",
    "decoded",
    "gate",
    "copied",
    "proved",
    "committed",
    "half-acknowledged",
    "acknowledged",
    "before-burial",
    "buried",
)
"""In the order of a batch. From `gate` to `proved` its transaction is open."""


class Fate:
    """Counts passages of the chosen point."""

    def __init__(self, chosen: str) -> None:
        self._point, _, number = chosen.partition(":")
        assert self._point in POINTS, chosen
        self._left = int(number)

    def passes(self, point: str) -> None:
        """Dies if it is time."""
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class DyingStore(PostgresAuditStore):
    """Dies inside the transaction or after it."""

    fate: Fate

    async def write(
        self, batch_id: UUID, candidates: Sequence[Candidate], also: Also | None = None
    ) -> Written:
        """Writes, or dies."""
        written = await super().write(batch_id, candidates, also)
        self.fate.passes("committed")
        return written

    async def _passed(self, *arguments: Any) -> Any:
        passed = await super()._passed(*arguments)
        self.fate.passes("gate")
        return passed

    async def _prove(self, *arguments: Any) -> None:
        self.fate.passes("copied")
        await super()._prove(*arguments)
        self.fate.passes("proved")


class DyingDecoder:
    """Dies with decoded rows in hand."""

    def __init__(self, decoder: EventDecoder, fate: Fate) -> None:
        self._decoder, self._fate = decoder, fate

    async def decode(self, messages: Sequence[Incoming]) -> Decoded:
        """Decodes, or dies."""
        decoded = await self._decoder.decode(messages)
        self._fate.passes("decoded")
        return decoded


class DyingSource:
    """Dies around receiving and acknowledging."""

    def __init__(self, source: PulsarEventSource, fate: Fate) -> None:
        self._source, self._fate = source, fate

    async def batch(self) -> list[Incoming]:
        """Receives, or dies."""
        messages = await self._source.batch()
        if messages:
            self._fate.passes("received")
        return messages

    async def acknowledge(self, messages: Sequence[Incoming]) -> None:
        """All of them, or half."""
        half = len(messages) // 2
        await self._source.acknowledge(messages[:half])
        self._fate.passes("half-acknowledged")
        await self._source.acknowledge(messages[half:])
        self._fate.passes("acknowledged")


class DyingGraveyard:
    """Dies around a burial."""

    def __init__(self, letters: DeadLetters, fate: Fate) -> None:
        self._letters, self._fate = letters, fate

    async def bury(self, message: Incoming, consumer: str, error: Undeliverable) -> None:
        """Buries, or dies before or after it."""
        self._fate.passes("before-burial")
        await self._letters.bury(message, consumer, error)
        self._fate.passes("buried")


@asynccontextmanager
async def _open_adapters() -> AsyncIterator[Adapters]:
    fate = Fate(os.environ["SINK_DIES"])
    async with _open_product() as adapters:
        store = DyingStore(adapters.database)
        store.fate = fate
        yield replace(
            adapters,
            source=cast("PulsarEventSource", DyingSource(adapters.source, fate)),
            decoder=cast("EventDecoder", DyingDecoder(adapters.decoder, fate)),
            write=WriteBatch(store, new_id),
            dead_letters=cast("DeadLetters", DyingGraveyard(adapters.dead_letters, fate)),
            buried_again=cast("BuriedAgain", DyingGraveyard(adapters.buried_again, fate)),
        )


_open_product = bootstrap.open_adapters
if __name__ == "__main__":
    bootstrap.open_adapters = _open_adapters
    run_process(lambda: frame(SERVICE), sink.work)
