"""The consumer of entries' reports and of asked runs: `python -m vsync.entrypoints.consumer`."""

import asyncio
from datetime import timedelta

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

TRANSFER_SUBSCRIPTION = "vsync.entry-transferred"
REVIEW_SUBSCRIPTION = "vsync.review-decide"
NO_RUN = ""
"""A run that was refused has no id."""
PURGE_EVERY_SECONDS = 60.0
INBOX_KEPT = timedelta(days=60)
"""Twice the time that a command stays on its topic."""
INBOX_ROWS_MAX = 1_000


def _report_door(adapters: ConsumerAdapters) -> Door:
    async def act(at: Delivery, command: Command) -> None:
        await adapters.report_entry(at, command.record)

    async def refuse(at: Delivery, command: Command, error: InputRefused) -> None:
        about = ("entry", id_or_nothing(command.record, "entry_id"))
        await adapters.refuse(at.key, at.envelope, about, error)

    return Door(
        topic=topic("commands", REPORT_COMMAND),
        subscription=REPORT_SUBSCRIPTION,
        act=act,
        refuse=refuse,
        ids=lambda command: {"entry_id": id_or_nothing(command.record, "entry_id")},
    )


def _run_door(adapters: ConsumerAdapters) -> Door:
    async def act(at: Delivery, command: Command) -> None:
        await adapters.run_sync(at, command.record)

    async def refuse(at: Delivery, _command: Command, error: InputRefused) -> None:
        await adapters.refuse(at.key, at.envelope, ("vsync-run", NO_RUN), error)

    return Door(
        topic=topic("commands", "vsync.run"),
        subscription=RUN_SUBSCRIPTION,
        act=act,
        refuse=refuse,
        ids=lambda _command: {},
    )


def _transfer_door(adapters: ConsumerAdapters) -> Door:
    async def act(at: Delivery, event: Command) -> None:
        await adapters.note_transfer(at, event.record)

    async def refuse(at: Delivery, event: Command, error: InputRefused) -> None:
        about = ("claim", id_or_nothing(event.record, "claim_id"))
        await adapters.refuse(at.key, at.envelope, about, error)

    return Door(
        topic=topic("events", "entry.transferred"),
        subscription=TRANSFER_SUBSCRIPTION,
        act=act,
        refuse=refuse,
        ids=lambda event: {"claim_id": id_or_nothing(event.record, "claim_id")},
        opener=adapters.base.subjects,
    )


def _review_door(adapters: ConsumerAdapters) -> Door:
    async def act(at: Delivery, command: Command) -> None:
        await adapters.decide_review(at, command.record)

    async def refuse(at: Delivery, command: Command, error: InputRefused) -> None:
        about = ("review", id_or_nothing(command.record, "review_id"))
        await adapters.refuse(at.key, at.envelope, about, error)

    return Door(
        topic=topic("commands", "review.decide"),
        subscription=REVIEW_SUBSCRIPTION,
        act=act,
        refuse=refuse,
        ids=lambda command: {"review_id": id_or_nothing(command.record, "review_id")},
    )


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
        read = (
            _report_door(adapters),
            _transfer_door(adapters),
            _run_door(adapters),
            _review_door(adapters),
        )
        doors = open_doors(link, read, ready)
        await run_together((*doors, every(PURGE_EVERY_SECONDS, purge, "purge")), stop)


if __name__ == "__main__":
    run_process(lambda: frame("consumer"), work)
