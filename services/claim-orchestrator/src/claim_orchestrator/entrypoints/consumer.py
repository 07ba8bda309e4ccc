"""The command consumer: `python -m claim_orchestrator.entrypoints.consumer`."""

import asyncio

from opentelemetry.trace import SpanKind

from claim_orchestrator import bootstrap
from claim_orchestrator.application.create_claim import claim_id_of
from dict_common.bus.commands import Command, CommandReader
from dict_common.bus.consumer import Consumer, Handlers, Subscription
from dict_common.bus.dead_letters import DeadLetters
from dict_common.bus.incoming import Incoming
from dict_common.kernel.errors import InputRefused
from dict_common.ports.inbox import InboxKey
from dict_common.telemetry.probes import Health
from dict_common.telemetry.process import run_process
from dict_common.telemetry.traces import span
from dict_schemas.topics import topic

COMMAND = "claim.create"
SUBSCRIPTION = "claim-orchestrator.claim-create"


async def work(stop: asyncio.Event, health: Health) -> None:
    """Consumes `claim.create` until asked to stop."""
    async with bootstrap.open_consumer() as adapters:
        shared = adapters.base.shared
        consumer = Consumer(
            adapters.pulsar,
            Subscription(topic("commands", COMMAND).full_name(shared.pulsar_tenant), SUBSCRIPTION),
            DeadLetters(
                adapters.pulsar, shared.pulsar_tenant, bootstrap.SERVICE, adapters.base.rest
            ),
        )
        reader = CommandReader(COMMAND, consumer.schemas, adapters.opener, adapters.base.rest)

        async def handle(message: Incoming) -> None:
            command = await reader.read(message)
            with span(
                COMMAND,
                command.envelope.traceparent,
                SpanKind.CONSUMER,
                {"ce_id": str(command.envelope.id), "claim_id": claim_id_of(command.record)},
            ):
                await adapters.open_claim(_key(command), command.envelope, command.record)

        async def refuse(message: Incoming, error: InputRefused) -> None:
            command = await reader.read(message)
            await adapters.refuse(
                _key(command), command.envelope, claim_id_of(command.record), error
            )

        health.checks["postgres"] = adapters.base.database.ping

        def ready() -> None:
            health.started = True

        await consumer.run(Handlers(handle, refuse), stop, ready)


def _key(command: Command) -> InboxKey:
    return InboxKey(SUBSCRIPTION, command.envelope.id, command.fingerprints)


if __name__ == "__main__":
    run_process(lambda: bootstrap.frame("consumer"), work)
