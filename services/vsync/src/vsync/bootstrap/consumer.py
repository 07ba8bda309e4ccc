"""The consumer's adapters."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pulsar.asyncio

from dict_common.bus.client import close as close_pulsar
from dict_common.bus.client import connect as connect_pulsar
from dict_common.intake.refusals import Refusals, Rejections
from dict_common.kernel.clock import SystemClock
from dict_common.secrecy.hybrid import HybridOpener
from dict_common.secrecy.operators import JwtOperatorTokens
from dict_common.telemetry import metrics
from vsync.adapters.postgres_entry_store import PostgresEntryStore
from vsync.adapters.postgres_reviews import PostgresReviews
from vsync.adapters.postgres_run_inbox import PostgresRunInbox
from vsync.adapters.temporal_sync_process import TemporalSyncProcess
from vsync.application.decide_review import DecideReview, Voice
from vsync.application.note_transfer import NoteTransfer
from vsync.application.report_entry import ReportEntry
from vsync.application.run_sync import RunSync
from vsync.application.telling import SOURCE
from vsync.application.writing import Writing
from vsync.bootstrap.foundations import CONSUMER_POOL, Base, open_base


@dataclass(frozen=True)
class ConsumerAdapters:
    """What the consumer works with."""

    base: Base
    pulsar: pulsar.asyncio.Client
    opener: HybridOpener
    store: PostgresEntryStore
    report_entry: ReportEntry
    note_transfer: NoteTransfer
    run_sync: RunSync
    decide_review: DecideReview
    refuse: Refusals


@asynccontextmanager
async def open_consumer() -> AsyncIterator[ConsumerAdapters]:
    """Everything of the consumer, closed at the end. Raises Unavailable, ConfigurationInvalid."""
    async with AsyncExitStack() as stack:
        base = await open_base(stack, CONSUMER_POOL)
        client = connect_pulsar(base.shared.pulsar_url)
        stack.push_async_callback(close_pulsar, client)
        store, clock = PostgresEntryStore(base.database), SystemClock()
        process = TemporalSyncProcess(base.temporal, base.own.task_queue)
        tokens = JwtOperatorTokens(
            base.keysets.public("operator-issuer-public"), base.own.operator_issuer
        )
        participants, writing = base.own.participants, Writing(base.telling)
        yield ConsumerAdapters(
            base=base,
            pulsar=client,
            opener=HybridOpener(base.keysets.private("command-private")),
            store=store,
            report_entry=ReportEntry(store, base.secrecy, writing, participants, clock, _took),
            note_transfer=NoteTransfer(store, base.secrecy, writing, participants, clock),
            run_sync=RunSync(
                PostgresRunInbox(base.database),
                process,
                participants,
            ),
            decide_review=DecideReview(
                PostgresReviews(base.database),
                tokens,
                process,
                Voice(base.telling, base.composer, base.rest, clock),
                uuid4,
            ),
            refuse=Refusals(store, Rejections(base.composer, SOURCE), clock),
        )


def _took(participant: str, delay: timedelta) -> None:
    metrics.vsync_report_delay.labels(participant).observe(max(0.0, delay.total_seconds()))
