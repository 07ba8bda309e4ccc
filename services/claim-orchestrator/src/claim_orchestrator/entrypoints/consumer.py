"""The consumer of commands and proofs: `python -m claim_orchestrator.entrypoints.consumer`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from claim_orchestrator.bootstrap.consumer import ConsumerAdapters, open_consumer
from claim_orchestrator.bootstrap.foundations import (
    DECIDE_SUBSCRIPTION,
    PROOF_EVENT,
    PROOF_SUBSCRIPTION,
    SERVICE,
    frame,
)
from dict_common.bus.commands import Command
from dict_common.bus.doors import Door, Link, open_doors
from dict_common.bus.together import every, run_together
from dict_common.kernel.errors import InputRefused, Undeliverable
from dict_common.kernel.fields import id_or_nothing
from dict_common.ports.inbox import Delivery
from dict_common.telemetry import metrics
from dict_common.telemetry.probes import Health
from dict_common.telemetry.process import run_process
from dict_schemas.operators import answers
from dict_schemas.topics import topic

CREATE_SUBSCRIPTION = "claim-orchestrator.claim-create"
OPERATOR_SUBSCRIPTION = "claim-orchestrator.operator"
OTP_SOURCE = "/dict-connect/otp"
LOOK_EVERY_SECONDS = 10.0
PURGE_EVERY_SECONDS = 60.0

Act = Callable[[ConsumerAdapters, Delivery, Command], Awaitable[None]]


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


def _doors(adapters: ConsumerAdapters) -> tuple[Door, ...]:
    operators = _door(adapters, "commands/operator.request", OPERATOR_SUBSCRIPTION, _operator)
    return (
        _door(adapters, "commands/claim.create", CREATE_SUBSCRIPTION, _create),
        _door(adapters, "commands/claim.decide", DECIDE_SUBSCRIPTION, _decide),
        replace(operators, mine=lambda record: answers(record["verb"]) == SERVICE),
        _door(adapters, f"events/{PROOF_EVENT}", PROOF_SUBSCRIPTION, _proof),
    )


TARGETS = {"commands/operator.request": "target", f"events/{PROOF_EVENT}": "operation_id"}
"""The field that names the claim, where it is not claim_id."""


def _door(adapters: ConsumerAdapters, name: str, subscription: str, act: Act) -> Door:
    target = TARGETS.get(name, "claim_id")

    async def handle(at: Delivery, command: Command) -> None:
        await act(adapters, at, command)

    async def refuse(at: Delivery, command: Command, error: InputRefused) -> None:
        about = ("claim", id_or_nothing(command.record, target))
        await adapters.refuse(at.key, at.envelope, about, error)

    namespace, _, local = name.partition("/")
    return Door(
        topic=topic(namespace, local),
        subscription=subscription,
        act=handle,
        refuse=refuse,
        ids=lambda command: {"claim_id": id_or_nothing(command.record, target)},
    )


async def work(stop: asyncio.Event, health: Health) -> None:
    """Consumes until asked to stop."""
    async with open_consumer() as adapters:
        health.checks["postgres"] = adapters.base.database.ping

        def ready() -> None:
            health.started = True

        async def look() -> None:
            counts = await adapters.upkeep.look()
            metrics.claims_running.set(counts.running)
            metrics.claims_overdue.set(counts.overdue)
            metrics.claims_held.set(counts.held)

        base = adapters.base
        link = Link(adapters.pulsar, base.shared.pulsar_tenant, SERVICE, adapters.opener, base.rest)
        upkeep = (
            every(LOOK_EVERY_SECONDS, look, "look"),
            every(PURGE_EVERY_SECONDS, adapters.upkeep.purge, "purge"),
        )
        await run_together((*open_doors(link, _doors(adapters), ready), *upkeep), stop)


if __name__ == "__main__":
    run_process(lambda: frame("consumer"), work)
