"""The consumer of commands and proofs: `python -m claim_orchestrator.entrypoints.consumer`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from opentelemetry.trace import SpanKind

from claim_orchestrator.application.fields import id_or_nothing
from claim_orchestrator.bootstrap.consumer import ConsumerAdapters, open_consumer
from claim_orchestrator.bootstrap.foundations import (
    DECIDE_SUBSCRIPTION,
    PROOF_EVENT,
    PROOF_SUBSCRIPTION,
    SERVICE,
    frame,
)
from dict_common.bus.commands import Command, CommandReader
from dict_common.bus.consumer import Consumer, Handlers, Subscription
from dict_common.bus.dead_letters import DeadLetters
from dict_common.bus.incoming import Incoming
from dict_common.bus.together import Piece, every, run_together
from dict_common.kernel.errors import InputRefused, Undeliverable
from dict_common.ports.inbox import Delivery, InboxKey
from dict_common.telemetry import metrics
from dict_common.telemetry.probes import Health
from dict_common.telemetry.process import run_process
from dict_common.telemetry.traces import span
from dict_schemas.topics import topic

OTP_SOURCE = "/dict-connect/otp"
LOOK_EVERY_SECONDS = 10.0
PURGE_EVERY_SECONDS = 60.0

Act = Callable[[ConsumerAdapters, Delivery, Command], Awaitable[None]]


@dataclass(frozen=True)
class Door:
    """A topic that we consume: which field names its target, and what is done with a message."""

    namespace: str
    name: str
    subscription: str
    target: str
    act: Act


async def _create(adapters: ConsumerAdapters, at: Delivery, command: Command) -> None:
    await adapters.commands.open_claim(at.key, at.envelope, command.record)


async def _decide(adapters: ConsumerAdapters, at: Delivery, command: Command) -> None:
    await adapters.commands.decide_claim(at, command.record)


async def _operator(adapters: ConsumerAdapters, at: Delivery, command: Command) -> None:
    await adapters.commands.operator(at, command.record)


async def _proof(adapters: ConsumerAdapters, at: Delivery, command: Command) -> None:
    if at.envelope.source != OTP_SOURCE:
        raise Undeliverable("source-untrusted", f"only {OTP_SOURCE} may prove possession")
    await adapters.commands.note_proof(at.envelope.id, command.record)


DOORS = (
    Door("commands", "claim.create", "claim-orchestrator.claim-create", "claim_id", _create),
    Door("commands", "claim.decide", DECIDE_SUBSCRIPTION, "claim_id", _decide),
    Door("commands", "operator.request", "claim-orchestrator.operator", "target", _operator),
    Door("events", PROOF_EVENT, PROOF_SUBSCRIPTION, "operation_id", _proof),
)


async def work(stop: asyncio.Event, health: Health) -> None:
    """Consumes until asked to stop."""
    async with open_consumer() as adapters:
        health.checks["postgres"] = adapters.base.database.ping
        waiting = {door.name for door in DOORS}

        def ready(name: str) -> None:
            waiting.discard(name)
            health.started = not waiting

        async def look() -> None:
            counts = await adapters.upkeep.look()
            metrics.claims_running.set(counts.running)
            metrics.claims_overdue.set(counts.overdue)
            metrics.claims_held.set(counts.held)

        doors = [_piece(adapters, door, ready) for door in DOORS]
        upkeep = (
            every(LOOK_EVERY_SECONDS, look, "look"),
            every(PURGE_EVERY_SECONDS, adapters.upkeep.purge, "purge"),
        )
        await run_together((*doors, *upkeep), stop)


def _piece(adapters: ConsumerAdapters, door: Door, ready: Callable[[str], None]) -> Piece:
    shared = adapters.base.shared
    consumer = Consumer(
        adapters.pulsar,
        Subscription(
            topic(door.namespace, door.name).full_name(shared.pulsar_tenant), door.subscription
        ),
        DeadLetters(adapters.pulsar, shared.pulsar_tenant, SERVICE, adapters.base.rest),
    )
    reader = CommandReader(door.name, consumer.schemas, adapters.opener, adapters.base.rest)

    async def handle(message: Incoming) -> None:
        command = await reader.read(message)
        target = id_or_nothing(command.record, door.target)
        ids = {"ce_id": str(command.envelope.id), "claim_id": target}
        with span(door.name, command.envelope.traceparent, SpanKind.CONSUMER, ids):
            await door.act(adapters, _delivery(door, message, command), command)

    async def refuse(message: Incoming, error: InputRefused) -> None:
        command = await reader.read(message)
        delivery = _delivery(door, message, command)
        target = ("claim", id_or_nothing(command.record, door.target))
        await adapters.refuse(delivery.key, delivery.envelope, target, error)

    async def run(stop: asyncio.Event) -> None:
        await consumer.run(Handlers(handle, refuse), stop, lambda: ready(door.name))

    return run


def _delivery(door: Door, message: Incoming, command: Command) -> Delivery:
    key = InboxKey(door.subscription, command.envelope.id, command.fingerprints)
    return Delivery(key, command.envelope, message.published_at)


if __name__ == "__main__":
    run_process(lambda: frame("consumer"), work)
