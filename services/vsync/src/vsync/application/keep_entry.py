"""KEEP carried out: what DICT has lost is registered again, or the review is open again."""

from uuid import UUID

from dict_common.kernel.clock import Clock, to_micros
from dict_common.kernel.ids import derived_id
from dict_common.ports.directory import CallContext, DirectoryRefused
from vsync.application.bacen import REASON_MAX, Bacen, passes
from vsync.application.entry_papers import EntryPapers, papers_in
from vsync.application.ports import Papers
from vsync.application.review_ports import InReview, ReviewStore, ReviewWritten
from vsync.application.sync_process import KeepOrder
from vsync.application.telling import Cause, Change, Telling
from vsync.application.writing import Secrecy
from vsync.domain.entry import registered
from vsync.domain.precedence import Report, Source
from vsync.domain.review import ReviewStatus, reopened, resolved

KEPT = "KEPT"
RESTORED = "RESTORED"


class KeepEntry:
    """Raises DirectoryUnreachable, DirectoryRefused for what passes, AnswerInvalid, Unavailable."""

    def __init__(
        self, store: ReviewStore, bacen: Bacen, secrecy: Secrecy, telling: Telling, clock: Clock
    ) -> None:
        self._store = store
        self._bacen = bacen
        self._secrecy = secrecy
        self._telling = telling
        self._clock = clock

    async def __call__(self, order: KeepOrder) -> str:
        """KEPT, or DICT's problem type. A repeat asks DICT under the same RequestId."""
        found = await self._store.look(order.review_id)
        if found is None or not _under_way(found, order):
            return "over"
        assert found.sealed is not None, "an entry in review keeps its values"
        assert found.request_id is not None, "a registration has its RequestId before it leaves"
        before = papers_in(found.sealed, self._secrecy.rest)
        papers = EntryPapers(found.request_id, before.attributes, before.opening_date)
        context = CallContext(
            f"{order.workflow_id}:CreateEntry:1", str(order.review_id), order.workflow_id
        )
        try:
            at = await self._bacen.create_entry(papers, context)
        except DirectoryRefused as error:
            if passes(error):
                raise
            await self._reopen(order, error.reason_code[:REASON_MAX])
            return error.reason_code
        report = Report(Source.DICT, to_micros(at), at)
        await self._keep(order, papers, report)
        return KEPT

    async def _keep(self, order: KeepOrder, papers: EntryPapers, by: Report) -> None:
        sealed: Papers = await self._secrecy.papers(papers)
        cause = self._cause(order, KEPT)

        async def decide(found: InReview) -> ReviewWritten | None:
            if not _under_way(found, order):
                return None
            entry = registered(found.entry, papers.cid, by)
            review = found.review
            person = None if review.reviewed_by is None else (review.reviewed_by,)
            closed = await self._telling.closed(cause, entry, review.review_id, KEPT, person)
            change = Change(found.entry, entry, sealed.subject_id)
            events = await self._telling.corrected(cause, change, RESTORED, review.review_id)
            return ReviewWritten(
                resolved(review),
                entry=entry,
                papers=sealed,
                entry_events=events,
                review_events=closed.events,
                decided_by=person or (),
                at=cause.at,
            )

        await self._store.change(order.review_id, cause.id, decide)

    async def _reopen(self, order: KeepOrder, reason: str) -> None:
        cause = self._cause(order, reason)

        async def decide(found: InReview) -> ReviewWritten | None:
            if not _under_way(found, order):
                return None
            events = await self._telling.reopened(
                cause, found.entry, (found.review.review_id, found.cid), reason
            )
            return ReviewWritten(
                reopened(found.review), review_events=events, reason=reason, at=cause.at
            )

        await self._store.change(order.review_id, cause.id, decide)

    def _cause(self, order: KeepOrder, outcome: str) -> Cause:
        id_: UUID = derived_id(order.review_id, f"keep {order.number} {outcome}")
        return Cause(id_, self._clock.now(), str(order.review_id))


def _under_way(found: InReview, order: KeepOrder) -> bool:
    review = found.review
    return review.status is ReviewStatus.KEEPING and review.keeps == order.number
