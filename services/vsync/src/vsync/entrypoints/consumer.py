"""The consumer of entries' reports and of asked runs: `python -m vsync.entrypoints.consumer`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from dict_common.bus.avro import Record
from dict_common.bus.commands import Command
from dict_common.bus.doors import Door, Link, open_doors
from dict_common.bus.together import every, run_together
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.fields import id_or_nothing
from dict_common.ports.inbox import Delivery
from dict_common.telemetry.probes import Health
from dict_common.telemetry.process import run_process
from dict_schemas.topics import topic
from vsync.application.run_sync import RUN_SUBSCRIPTION
from vsync.bootstrap.consumer import ConsumerAdapters, open_consumer
from vsync.bootstrap.foundations import REPORT_COMMAND, REPORT_SUBSCRIPTION, SERVICE, frame

NO_RUN = ""
"""A run that was refused has no id."""
PURGE_EVERY_SECONDS = 60.0
INBOX_KEPT = timedelta(days=60)
"""Twice the time that a command stays on its topic."""
INBOX_ROWS_MAX = 1_000


Use = Callable[[Delivery, Record], Awaitable[None]]


@dataclass(frozen=True)
class _Read:
    """A topic that is read: what it is about, by the field that names it (None: no id yet)."""

    namespace: str
    name: str
    subscription: str
    aggregate_type: str
    named_by: str | None


REPORTS = _Read("commands", REPORT_COMMAND, REPORT_SUBSCRIPTION, "entry", "entry_id")
TRANSFERS = _Read("events", "entry.transferred", "vsync.entry-transferred", "claim", "claim_id")
RUNS = _Read("commands", "vsync.run", RUN_SUBSCRIPTION, "vsync-run", None)
REVIEWS = _Read("commands", "review.decide", "vsync.review-decide", "review", "review_id")


def _door(adapters: ConsumerAdapters, read: _Read, use: Use) -> Door:
    def ids(command: Command) -> dict[str, str]:
        field = read.named_by
        return {} if field is None else {field: id_or_nothing(command.record, field)}

    async def act(at: Delivery, command: Command) -> None:
        await use(at, command.record)

    async def refuse(at: Delivery, command: Command, error: InputRefused) -> None:
        about = (read.aggregate_type, ids(command).get(read.named_by or "", NO_RUN))
        await adapters.refuse(at.key, at.envelope, about, error)

    return Door(topic(read.namespace, read.name), read.subscription, act, refuse, ids)


async def work(stop: asyncio.Event, health: Health) -> None:
    """Consumes until asked to stop."""
    async with open_consumer() as adapters:
        base = adapters.base
        health.checks["postgres"] = base.database.ping

        def ready() -> None:
            health.started = True

        async def purge() -> None:
            await adapters.store.purge(INBOX_KEPT, INBOX_ROWS_MAX)

        tenant = base.shared.pulsar_tenant
        link = Link(adapters.pulsar, tenant, SERVICE, adapters.opener, base.rest)
        transfers = _door(adapters, TRANSFERS, adapters.note_transfer)
        read = (
            _door(adapters, REPORTS, adapters.report_entry),
            replace(transfers, opener=base.subjects),
            _door(adapters, RUNS, adapters.run_sync),
            _door(adapters, REVIEWS, adapters.decide_review),
        )
        doors = open_doors(link, read, ready)
        await run_together((*doors, every(PURGE_EVERY_SECONDS, purge, "purge")), stop)


if __name__ == "__main__":
    run_process(lambda: frame("consumer"), work)
