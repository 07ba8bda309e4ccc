"""The consumer's adapters."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pulsar.asyncio

from claim_orchestrator.adapters.postgres_claim_intake import PostgresClaimIntake
from claim_orchestrator.adapters.postgres_claim_store import PostgresClaimStore
from claim_orchestrator.adapters.postgres_upkeep import PostgresUpkeep
from claim_orchestrator.adapters.temporal_claim_process import TemporalClaimProcess
from claim_orchestrator.application.decide_claim import DecideClaim
from claim_orchestrator.application.note_proof import NoteProof
from claim_orchestrator.application.open_claim import OpenClaim, Secrecy
from claim_orchestrator.application.operator_request import HandleOperatorRequest
from claim_orchestrator.application.orphan_decisions import OrphanDecisions
from claim_orchestrator.application.refuse_command import RefuseCommand
from claim_orchestrator.application.upkeep import Upkeep
from claim_orchestrator.bootstrap.foundations import (
    CONSUMER_POOL,
    Base,
    ledger,
    open_base,
)
from dict_common.bus.client import close as close_pulsar
from dict_common.bus.client import connect as connect_pulsar
from dict_common.kernel.clock import SystemClock
from dict_common.secrecy.hybrid import HybridOpener
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.operators import JwtOperatorTokens


@dataclass(frozen=True)
class Commands:
    """The use cases of the consumer, one for each topic."""

    open_claim: OpenClaim
    decide_claim: DecideClaim
    note_proof: NoteProof
    operator: HandleOperatorRequest


@dataclass(frozen=True)
class ConsumerAdapters:
    """What the consumer works with."""

    base: Base
    pulsar: pulsar.asyncio.Client
    opener: HybridOpener
    commands: Commands
    refuse: RefuseCommand
    upkeep: Upkeep


@asynccontextmanager
async def open_consumer() -> AsyncIterator[ConsumerAdapters]:
    """Everything of the consumer, closed at the end. Raises Unavailable, ConfigurationInvalid."""
    async with AsyncExitStack() as stack:
        base = await open_base(stack, CONSUMER_POOL)
        client = connect_pulsar(base.shared.pulsar_url)
        stack.push_async_callback(close_pulsar, client)
        intake, clock = PostgresClaimIntake(base.database), SystemClock()
        process = TemporalClaimProcess(base.temporal, base.shared.temporal_task_queue)
        keysets = KeysetFolder(base.shared.keys_dir)
        tokens = JwtOperatorTokens(
            keysets.public("operator-issuer-public"), base.own.operator_issuer
        )
        store = PostgresClaimStore(base.database)
        yield ConsumerAdapters(
            base=base,
            pulsar=client,
            opener=HybridOpener(keysets.private("command-private")),
            commands=Commands(
                open_claim=OpenClaim(
                    intake, process, Secrecy(base.subjects, base.rest), base.policy, clock
                ),
                decide_claim=DecideClaim(intake, process, clock),
                note_proof=NoteProof(intake, process, base.own.participants, clock),
                operator=HandleOperatorRequest(
                    intake, store, process, tokens, base.composer, base.policy
                ),
            ),
            refuse=RefuseCommand(intake, base.composer, clock),
            upkeep=Upkeep(
                OrphanDecisions(intake, base.composer, clock),
                PostgresUpkeep(base.database, ledger(base)),
            ),
        )
