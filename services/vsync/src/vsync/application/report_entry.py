"""`entry.report`: what Core tells of an entry becomes our base, once and in its order."""

from collections.abc import Mapping
from dataclasses import dataclass

from dict_common.kernel.clock import Clock
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.ids import derived_id
from dict_common.ports.inbox import Delivery, Seen, command_id_reused
from dict_common.ports.outgoing import ComposedFrom, EventComposer, OutgoingEvent
from dict_common.ports.sealing import RestSealer, SubjectSealer
from vsync.application.entry_report import EntryReport, entry_report
from vsync.application.ports import EntryStore, Papers, Written
from vsync.domain.entry import Entry, EntrySet, Step, Told, told
from vsync.domain.events import EntryChanged
from vsync.domain.precedence import Report, Source, Verdict

SOURCE = "/dict-connect/vsync"


@dataclass(frozen=True)
class Secrecy:
    """Who seals, and who knows the owner of a tax id."""

    subjects: SubjectSealer
    rest: RestSealer


class ReportEntry:
    """The use case of the consumer."""

    def __init__(
        self,
        store: EntryStore,
        secrecy: Secrecy,
        composer: EventComposer,
        participants: frozenset[str],
        clock: Clock,
    ) -> None:
        self._store = store
        self._secrecy = secrecy
        self._composer = composer
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
        if delivery.envelope.subject.lower() != str(report.entry_id):
            raise InputRefused("subject-differs", "ce_subject must be the entry_id of the body")
        papers = await self._papers(report)

        async def decide(entry: Entry | None) -> Written:
            step = told(entry, report.entry_id, _told(report))
            events = await self._events(delivery.envelope, entry, step, papers)
            return _written(step, papers, events)

        await self._store.accept(delivery.key, report.entry_id, decide)

    async def _papers(self, report: EntryReport) -> Papers | None:
        if report.papers is None:
            return None
        subject = await self._secrecy.subjects.subject_of(report.papers.attributes.tax_id)
        rest = self._secrecy.rest
        return Papers(report.papers.key_hash(rest), report.papers.sealed(rest), subject.subject_id)

    async def _events(
        self, command: Envelope, before: Entry | None, step: Step, papers: Papers | None
    ) -> tuple[OutgoingEvent, ...]:
        if step.change is None or step.entry is None:
            return ()
        entry, cid_before = step.entry, None if before is None else before.cid
        event = EntryChanged(
            entry_id=str(entry.entry_id),
            participant=entry.set.participant,
            key_type=entry.set.key_type,
            cid=None if entry.cid is None else entry.cid.hex(),
            cid_before=None if cid_before is None else cid_before.hex(),
            source=entry.stands.source,
            dict_time=entry.stands.dict_time,
            subject_id=None if papers is None else str(papers.subject_id),
        )
        envelope = Envelope(
            id=derived_id(command.id, step.change),
            type=step.change,
            source=SOURCE,
            time=self._clock.now(),
            subject=str(entry.entry_id),
            aggregate_type="entry",
            correlation_id=command.correlation_id or str(command.id),
            causation_id=str(command.id),
            traceparent=command.traceparent,
        )
        return await self._composer.compose(
            ComposedFrom(step.change, event.record(), envelope, ordinal=1, subject_id=None)
        )


def _told(report: EntryReport) -> Told:
    return Told(
        Report(Source.CORE, report.version, report.dict_time),
        EntrySet(report.participant, report.key_type),
        None if report.papers is None else report.papers.cid,
    )


def _written(step: Step, papers: Papers | None, events: tuple[OutgoingEvent, ...]) -> Written:
    if step.verdict is Verdict.SEEN:
        return Written("seen")
    if step.verdict is Verdict.OVERTAKEN:
        return Written("overtaken", step.entry)
    outcome = "unchanged" if step.change is None else step.change.partition(".")[2]
    return Written(outcome, step.entry, stands=True, papers=papers, events=events)
