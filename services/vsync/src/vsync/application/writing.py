"""What a report of Core or a claim makes of an entry, written with all that follows from it."""

from dataclasses import dataclass, replace
from uuid import UUID

from dict_common.ports.sealing import RestSealer, SubjectSealer
from vsync.application.entry_papers import EntryPapers
from vsync.application.ports import ClosedReview, Met, Papers, Retired, Written
from vsync.application.telling import Cause, Change, Telling
from vsync.domain.entry import Entry, retired
from vsync.domain.holding import Holding
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

    async def __call__(
        self, cause: Cause, met: Met, holding: Holding, papers: Papers | None
    ) -> Written:
        """The entry, its events, the others that it retires and the reviews that end with that."""
        step = holding.step
        if step.verdict is not Verdict.APPLY:
            retires = [await self._retired(cause, it) for it in holding.retires]
            key_hash = None if papers is None else papers.key_hash
            return Written(step.verdict.lower(), step.entry, key_hash=key_hash, retires=retires)
        written = await self.applied(cause, met, holding, papers)
        return replace(
            written,
            outcome="unchanged" if step.change is None else step.change.partition(".")[2],
            events=await self._telling.changed(cause, step, met.entry, written.papers),
        )

    async def applied(
        self, cause: Cause, met: Met, holding: Holding, papers: Papers | None
    ) -> Written:
        """The same of a report that applies, but for its outcome and the entry's own events."""
        step = holding.step
        assert step.entry is not None, "what applies has an entry"
        if holding.heir_of is not None:
            (papers,) = (it.papers for it in met.others if it.entry is holding.heir_of)
        return Written(
            "",
            step.entry,
            stands=True,
            papers=None if step.entry.cid is None else papers,
            key_hash=None if papers is None else papers.key_hash,
            retires=[await self._retired(cause, it) for it in holding.retires],
            closes=await self._closed(cause, step.entry, step.closes),
        )

    async def _retired(self, cause: Cause, before: Entry) -> Retired:
        after = retired(before)
        events = await self._telling.corrected(cause, Change(before, after), ADOPTED)
        return Retired(after, events, await self._closed(cause, before, before.review_id))

    async def _closed(
        self, cause: Cause, entry: Entry, review_id: UUID | None
    ) -> ClosedReview | None:
        if review_id is None:
            return None
        return await self._telling.closed(cause, entry, review_id, SUPERSEDED)
