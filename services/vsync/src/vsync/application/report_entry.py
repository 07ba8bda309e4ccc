"""`entry.report`: what Core tells of an entry becomes our base, once and in its order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dict_common.kernel.clock import Clock
from dict_common.kernel.errors import InputRefused
from dict_common.ports.inbox import Delivery, Seen, command_id_reused
from dict_common.ports.sealing import RestSealer, SubjectSealer
from vsync.application.entry_papers import EntryPapers
from vsync.application.entry_report import EntryReport, entry_report
from vsync.application.ports import EntryStore, Met, Papers, Retired, Written
from vsync.application.telling import Cause, Change, Telling
from vsync.domain.entry import EntrySet, Step, Told, retired, told
from vsync.domain.precedence import Report, Source, Verdict

ADOPTED = "ADOPTED"
SUPERSEDED = "SUPERSEDED"


@dataclass(frozen=True)
class Secrecy:
    """Who seals, and who knows the owner of a tax id."""

    subjects: SubjectSealer
    rest: RestSealer

    async def papers(self, of: EntryPapers) -> Papers:
        """What stands beside the entry. Raises Unavailable."""
        subject = await self.subjects.subject_of(of.attributes.tax_id)
        return Papers(of.key_hash(self.rest), of.sealed(self.rest), subject.subject_id)


class ReportEntry:
    """The use case of the consumer."""

    def __init__(
        self,
        store: EntryStore,
        secrecy: Secrecy,
        telling: Telling,
        participants: frozenset[str],
        clock: Clock,
    ) -> None:
        self._store = store
        self._secrecy = secrecy
        self._telling = telling
        self._participants = participants
        self._clock = clock

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
        papers = None if report.papers is None else await self._secrecy.papers(report.papers)
        cause = Cause(envelope.id, self._clock.now(), envelope.correlation_id, envelope.traceparent)

        async def decide(met: Met) -> Written:
            step = told(met.entry, report.entry_id, _told(report))
            return await self._written(cause, met, step, papers)

        key_hash = None if papers is None else papers.key_hash
        await self._store.accept(delivery.key, report.entry_id, key_hash, decide)

    async def _written(self, cause: Cause, met: Met, step: Step, papers: Papers | None) -> Written:
        if step.verdict is Verdict.SEEN:
            return Written("seen")
        if step.verdict is Verdict.OVERTAKEN:
            return Written("overtaken", step.entry)
        written = Written(
            "unchanged" if step.change is None else step.change.partition(".")[2],
            step.entry,
            stands=True,
            papers=papers,
            events=await self._telling.changed(cause, step, met.entry, papers),
            retires=await self._retires(cause, met),
        )
        in_review = met.twin or step.entry
        review_id = step.closes if met.twin is None else met.twin.review_id
        if review_id is None or in_review is None:
            return written
        closed = await self._telling.closed(cause, in_review, review_id, SUPERSEDED)
        return replace(written, closes=closed)

    async def _retires(self, cause: Cause, met: Met) -> Retired | None:
        if met.twin is None:
            return None
        after = retired(met.twin)
        events = await self._telling.corrected(cause, Change(met.twin, after), ADOPTED)
        return Retired(after, events)


def _told(report: EntryReport) -> Told:
    return Told(
        Report(Source.CORE, report.version, report.dict_time),
        EntrySet(report.participant, report.key_type),
        None if report.papers is None else report.papers.cid,
    )
