"""The worker's adapters."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import grpc.aio
from temporalio import activity

from dict_common.bus.backlog import Backlogs, open_admin
from dict_common.cache.redis_cache import RedisCache
from dict_common.kernel.clock import SystemClock
from dict_common.store.ledger import PostgresRequestLedger
from dict_common.telemetry import metrics
from dict_common.telemetry.logs import logger
from dict_schemas.topics import topic
from vsync.activities.sync_activities import SyncActivities, SyncSteps
from vsync.adapters.grpc_bacen import GrpcBacen
from vsync.adapters.postgres_corrections import PostgresCorrections
from vsync.adapters.postgres_findings import PostgresFindings
from vsync.adapters.postgres_reviews import PostgresReviews
from vsync.adapters.postgres_runs import PostgresRuns
from vsync.adapters.pulsar_report_backlog import PulsarReportBacklog
from vsync.adapters.sync_gauges import SyncGauges
from vsync.application.compare_entries import CompareEntries
from vsync.application.end_sync import EndSync
from vsync.application.fetch_bacen import FetchBacen
from vsync.application.identify_entries import IdentifyEntries
from vsync.application.keep_entry import KeepEntry
from vsync.application.latest_sync import RememberLatest
from vsync.application.patient_bacen import PatientBacen
from vsync.application.prove_sync import ProveSync, SyncPolicy
from vsync.application.repair_entries import RepairEntries
from vsync.application.sync_ports import LocalVSync
from vsync.application.sync_process import Pace, RunEnd, VSyncResult
from vsync.bootstrap.foundations import (
    REPORT_COMMAND,
    REPORT_SUBSCRIPTION,
    WORKER_POOL,
    Base,
    open_base,
)
from vsync.domain.entry import EntrySet
from vsync.settings import Settings

ADMIN_SECONDS = 5.0
LEFT_SECONDS = 86_400.0
LEFT_BEHIND = ("*.file", "*.part", "*.cids")

_log = logger(__name__)


@dataclass(frozen=True)
class WorkerAdapters:
    """What the worker works with."""

    base: Base
    activities: SyncActivities
    gauges: SyncGauges
    ledger: PostgresRequestLedger
    corrections: PostgresCorrections

    async def purge(self, rows_max: int) -> None:
        """What is not kept any longer. Raises Unavailable."""
        await self.ledger.purge(rows_max)
        kept = timedelta(days=self.base.own.versions_kept_days)
        await self.corrections.forget_versions(kept, rows_max)


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
        admin = await stack.enter_async_context(
            open_admin(base.shared.pulsar_admin_url, ADMIN_SECONDS)
        )
        topic_name = topic("commands", REPORT_COMMAND).full_name(base.shared.pulsar_tenant)
        backlog = PulsarReportBacklog(Backlogs(admin), topic_name, REPORT_SUBSCRIPTION)
        sweep(base.own.work_dir)
        kept = timedelta(days=base.own.bridge_requests_kept_days)
        ledger = PostgresRequestLedger(base.database, base.rest, kept)
        bacen = PatientBacen(GrpcBacen(channel, ledger), SystemClock(), asyncio.sleep, _beat)
        activities = SyncActivities(_steps(base, bacen, backlog, cache))
        corrections = PostgresCorrections(base.database)
        yield WorkerAdapters(base, activities, SyncGauges(base.database), ledger, corrections)


def _steps(
    base: Base, bacen: PatientBacen, backlog: PulsarReportBacklog, cache: RedisCache
) -> SyncSteps:
    own, clock = base.own, SystemClock()
    runs = PostgresRuns(base.database)
    findings = PostgresFindings(base.database, own.work_dir)
    corrections = PostgresCorrections(base.database)
    policy, telling = policy_of(own), base.telling
    fetch = FetchBacen(bacen, (runs, findings), policy, clock, asyncio.sleep)
    return SyncSteps(
        prove=ProveSync(runs, bacen, backlog, telling, policy, _fold_differed),
        fetch=fetch,
        compare=CompareEntries(findings, fetch),
        identify=IdentifyEntries(findings, bacen, base.rest, telling, clock),
        repair=RepairEntries(corrections, bacen, base.secrecy, telling, clock),
        end=EndSync(runs, telling, (RememberLatest(cache), _measure)),
        keep=KeepEntry(PostgresReviews(base.database), bacen, base.secrecy, telling, clock),
    )


def sweep(folder: Path) -> None:
    """Makes the folder, and removes what a killed worker has left in it: a set of millions is some
    hundred MB."""
    folder.mkdir(parents=True, exist_ok=True)
    oldest = time.time() - LEFT_SECONDS
    for path in (it for kind in LEFT_BEHIND for it in folder.glob(kind)):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()


def _beat() -> None:
    if activity.in_activity():
        activity.heartbeat()


def policy_of(own: Settings) -> SyncPolicy:
    """The installation's decisions."""
    return SyncPolicy(
        participants=own.participants,
        sets_at_once=own.sets_at_once,
        files_a_day=own.files_a_day,
        pace=Pace(own.between_tries_seconds, own.settle_seconds),
        file_poll=timedelta(seconds=own.file_poll_seconds),
        file_deadline=timedelta(seconds=own.file_deadline_seconds),
        work_dir=own.work_dir,
    )


def _fold_differed(of: EntrySet, local: LocalVSync) -> None:
    metrics.vsync_fold_differed.labels(of.participant, of.key_type).inc()
    _log.error(
        "vsync-fold-differed",
        participant=of.participant,
        key_type=of.key_type,
        keys=local.keys,
    )


async def _measure(end: RunEnd, result: VSyncResult) -> None:
    run = end.run
    if run.key_type is None:
        return
    names = (run.participant, run.key_type)
    metrics.vsync_runs.labels(*names, result.status).inc()
    metrics.vsync_duration.labels(run.sync_type).observe(result.duration_ms / 1000)
    metrics.vsync_discrepancies.labels(*names).set(result.discrepancies)
    metrics.vsync_missing_bacen.labels(*names).set(result.entries_deleted)
