"""The desk, which takes operators' requests: `python -m audit_sink.entrypoints.consumer`."""

import asyncio
import re
from datetime import timedelta

from audit_sink.application import dead_letter_desk, replay_desk
from audit_sink.bootstrap import desk
from audit_sink.bootstrap.desk import DESK, DeskAdapters
from audit_sink.bootstrap.foundations import frame
from audit_sink.domain import replay
from dict_common.bus.commands import Command
from dict_common.bus.doors import Door, Link, open_doors
from dict_common.bus.together import every, run_together
from dict_common.intake.operators import OperatorDoor
from dict_common.kernel.errors import InputRefused
from dict_common.ports.inbox import Delivery
from dict_common.store.letter_actions import CONSUMER, letters_of
from dict_common.telemetry import metrics
from dict_common.telemetry.probes import Health
from dict_common.telemetry.process import run_process
from dict_schemas.operators import answers
from dict_schemas.topics import dead_letter_services, topic

LOOK_EVERY_SECONDS = 10.0
PURGE_EVERY_SECONDS = 60.0
INBOX_KEPT = timedelta(days=60)
"""Twice the time that a request stays on its topic."""
INBOX_ROWS_MAX = 1_000
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _door(adapters: DeskAdapters) -> Door:
    # Another verb of this service is one line more here: it has an act of its own.
    acts: dict[str, OperatorDoor] = {
        **dict.fromkeys(map(str, dead_letter_desk.Verb), adapters.letters),
        **dict.fromkeys(map(str, replay.Verb), adapters.replays),
    }

    async def act(at: Delivery, command: Command) -> None:
        await acts[str(command.record["verb"])](at, command.record)

    async def refuse(at: Delivery, command: Command, error: InputRefused) -> None:
        await adapters.refuse(at.key, at.envelope, _target(command), error)

    return Door(
        topic=topic("commands", "operator.request"),
        subscription=CONSUMER,
        act=act,
        refuse=refuse,
        ids=lambda command: {"target": _target(command)[1]},
        mine=lambda record: answers(record["verb"]) == DESK,
    )


def _target(command: Command) -> tuple[str, str]:
    """Type and id. What is none of our names stays out of what is kept: it may be anything."""
    named = str(command.record.get("target"))
    if command.record.get("verb") in set(replay.Verb):
        return replay_desk.TARGET_TYPE, named if _UUID.fullmatch(named) else ""
    return dead_letter_desk.TARGET_TYPE, named if named in dead_letter_services() else ""


async def work(stop: asyncio.Event, health: Health) -> None:
    """Consumes until asked to stop."""
    async with desk.open_desk(stop) as adapters:
        health.checks["postgres"] = adapters.database.ping

        def ready() -> None:
            health.started = True

        async def look() -> None:
            counts = await adapters.actions.counts()
            for service in dead_letter_services():
                waiting = counts.get(letters_of(service), 0)
                metrics.letters_waiting.labels(service).set(waiting)

        async def purge() -> None:
            await adapters.actions.purge(INBOX_KEPT, INBOX_ROWS_MAX)

        link = Link(
            adapters.pulsar, adapters.shared.pulsar_tenant, DESK, adapters.opener, adapters.rest
        )
        upkeep = (
            every(LOOK_EVERY_SECONDS, look, "look"),
            every(PURGE_EVERY_SECONDS, purge, "purge"),
        )
        await run_together((*open_doors(link, [_door(adapters)], ready), *upkeep), stop)


if __name__ == "__main__":
    run_process(lambda: frame("audit-sink-consumer"), work)
