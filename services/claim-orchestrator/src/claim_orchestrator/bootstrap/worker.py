"""The worker's adapters."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import grpc.aio
import httpx

from claim_orchestrator.activities.claim_activities import ClaimActivities
from claim_orchestrator.adapters.postgres_claim_store import PostgresClaimStore
from claim_orchestrator.adapters.pulsar_decision_backlog import PulsarDecisionBacklog
from claim_orchestrator.adapters.webhook_notifier import WebhookNotifier
from claim_orchestrator.application.ask_directory import AskDirectory
from claim_orchestrator.application.await_decisions import AwaitDecisions
from claim_orchestrator.application.claim_desk import ClaimDesk
from claim_orchestrator.application.claim_records import Recorded, Transition
from claim_orchestrator.application.claim_status import RememberStatus
from claim_orchestrator.application.record_transition import RecordTransition
from claim_orchestrator.application.refuse_command import DECIDE_COMMAND
from claim_orchestrator.bootstrap.foundations import (
    BACKLOG_SECONDS,
    DECIDE_SUBSCRIPTION,
    NOTIFY_SECONDS,
    PROOF_EVENT,
    PROOF_SUBSCRIPTION,
    WORKER_POOL,
    Base,
    ledger,
    open_base,
)
from dict_common.bridge.grpc_directory import GrpcDirectory
from dict_common.bus.backlog import Backlogs, open_admin
from dict_common.cache.redis_cache import RedisCache
from dict_common.kernel.clock import SystemClock
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.telemetry import metrics
from dict_common.telemetry.traces import current_traceparent
from dict_schemas.topics import topic


@dataclass(frozen=True)
class WorkerAdapters:
    """What the worker works with."""

    base: Base
    activities: ClaimActivities


@asynccontextmanager
async def open_worker() -> AsyncIterator[WorkerAdapters]:
    """Everything of the worker, closed at the end. Raises Unavailable, ConfigurationInvalid."""
    async with AsyncExitStack() as stack:
        base = await open_base(stack, WORKER_POOL)
        channel = await stack.enter_async_context(
            grpc.aio.insecure_channel(base.shared.bridge_address)
        )
        cache = RedisCache.open(base.shared.redis_url, base.shared.redis_prefix)
        stack.push_async_callback(cache.close)
        store, clock = PostgresClaimStore(base.database), SystemClock()
        yield WorkerAdapters(
            base=base,
            activities=ClaimActivities(
                AskDirectory(GrpcDirectory(channel, ledger(base)), store, base.rest, uuid4),
                RecordTransition(
                    store,
                    base.composer,
                    base.rest,
                    current_traceparent,
                    (RememberStatus(cache), _count_steps),
                ),
                ClaimDesk(store, await _notifier(stack, base), base.policy),
                AwaitDecisions(await _backlog(stack, base), clock),
                clock,
            ),
        )


async def _notifier(stack: AsyncExitStack, base: Base) -> WebhookNotifier:
    client = await stack.enter_async_context(httpx.AsyncClient(timeout=NOTIFY_SECONDS))
    secret = KeysetFolder(base.shared.keys_dir).text("notify.secret") if base.own.notify_url else ""
    return WebhookNotifier(client, base.own.notify_url, secret.encode(), SystemClock())


async def _backlog(stack: AsyncExitStack, base: Base) -> PulsarDecisionBacklog:
    client = await stack.enter_async_context(
        open_admin(base.shared.pulsar_admin_url, BACKLOG_SECONDS)
    )
    return PulsarDecisionBacklog(
        Backlogs(client), timely_topics(base.shared.pulsar_tenant), base.database
    )


def timely_topics(tenant: str) -> dict[str, str]:
    """Subscription to topic: what a default action must have heard before it is taken."""
    return {
        DECIDE_SUBSCRIPTION: topic("commands", DECIDE_COMMAND).full_name(tenant),
        PROOF_SUBSCRIPTION: topic("events", PROOF_EVENT).full_name(tenant),
    }


async def _count_steps(transition: Transition, _recorded: Recorded) -> None:
    for step in transition.steps:
        metrics.claim_steps.labels(step.name, step.outcome).inc()
