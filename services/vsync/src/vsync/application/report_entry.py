"""`entry.report`: what Core tells of an entry becomes our base, once and in its order."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from dict_common.kernel.clock import Clock
from dict_common.kernel.errors import InputRefused
from dict_common.ports.inbox import Delivery, Seen, command_id_reused
from vsync.application.entry_report import EntryReport, entry_report
from vsync.application.ports import EntryStore, Met, Written
from vsync.application.telling import Cause
from vsync.application.writing import Secrecy, Writing
from vsync.domain.entry import EntrySet, Told
from vsync.domain.holding import hold
from vsync.domain.precedence import Report, Source

AHEAD_MAX = timedelta(minutes=5)
"""DICT's clock may be so much ahead of the broker's. A time far ahead would stand for ever."""


class ReportEntry:
    """The use case of the consumer."""

    def __init__(
        self,
        store: EntryStore,
        secrecy: Secrecy,
        writing: Writing,
        participants: frozenset[str],
        clock: Clock,
        took: Callable[[str, timedelta], None] = lambda _participant, _delay: None,
    ) -> None:
        """`took`: is told of each new report how long after DICT's answer it was published."""
        self._store = store
        self._secrecy = secrecy
        self._writing = writing
        self._participants = participants
        self._clock = clock
        self._took = took

    async def __call__(self, delivery: Delivery, record: Mapping[str, object]) -> None:
        """Done once, however often it is called. Raises InputRefused, Unavailable."""
        seen = await self._store.seen(delivery.key)
        if seen is Seen.SETTLED:
            return
        if seen is Seen.OTHER_CONTENT:
            raise command_id_reused()
        report = entry_report(record, self._participants)
        envelope = delivery.envelope
        if envelope.subject.lower() != str(report.entry_id):
            raise InputRefused("subject-differs", "ce_subject must be the entry_id of the body")
        if report.dict_time > delivery.published_at + AHEAD_MAX:
            raise InputRefused(
                "dict-time-invalid",
                "dict_time is later than the command: give the ResponseTime of DICT's answer",
            )
        papers = None if report.papers is None else await self._secrecy.papers(report.papers)
        what = _told(report)
        cause = Cause(envelope.id, self._clock.now(), envelope.correlation_id, envelope.traceparent)

        async def decide(met: Met) -> Written:
            holding = hold(met.entry, report.entry_id, what, met.known)
            return await self._writing(cause, met, holding, papers)

        key_hash = None if papers is None else papers.key_hash
        if await self._store.accept(delivery.key, report.entry_id, key_hash, decide):
            self._took(report.participant, delivery.published_at - report.dict_time)


def _told(report: EntryReport) -> Told:
    return Told(
        Report(Source.CORE, report.version, report.dict_time),
        EntrySet(report.participant, report.key_type),
        None if report.papers is None else report.papers.cid,
    )
