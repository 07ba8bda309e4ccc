"""What a report of Core or a claim makes of an entry, written with all that follows from it."""

from dataclasses import dataclass, replace

from dict_common.ports.sealing import RestSealer, SubjectSealer
from vsync.application.entry_papers import EntryPapers
from vsync.application.ports import Met, Papers, Retired, Written
from vsync.application.telling import Cause, Change, Telling
from vsync.domain.entry import Step, retired
from vsync.domain.precedence import Verdict

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


class Writing:
    """Composes it. Raises Unavailable."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling

    async def __call__(self, cause: Cause, met: Met, step: Step, papers: Papers | None) -> Written:
        """The entry, its events, the twin that it retires and the review that it closes."""
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
