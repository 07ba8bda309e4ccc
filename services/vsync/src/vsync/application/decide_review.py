"""`review.decide`: a person's word about a key that Bacen does not have, judged and carried out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from dict_common.intake.events import OperatorActed
from dict_common.intake.operators import (
    OperatorDoor,
    OperatorTokens,
    acted,
    reason_in,
    require_subject,
)
from dict_common.kernel.clock import Clock, to_micros
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.fields import member, text
from dict_common.kernel.ids import IdSource, parse_id
from dict_common.kernel.pix_key import KeyType
from dict_common.ports.inbox import Delivery
from dict_common.ports.outgoing import EventComposer, OutgoingEvent
from dict_common.ports.sealing import RestSealer
from vsync.application.entry_papers import papers_in
from vsync.application.review_ports import InReview, ReviewStore, ReviewWritten
from vsync.application.telling import SOURCE, Cause, Telling
from vsync.domain.entry import EntryChange, Step, deleted
from vsync.domain.precedence import Report, Source, Verdict
from vsync.domain.review import Decision, ReviewStatus, ReviewStep, decided

VERB = "REVIEW_DECIDE"
DELETED = "DELETED"


class KeepProcess(Protocol):
    """The workflow that registers an entry again."""

    async def keep(self, review_id: UUID, number: int) -> None:
        """Success too where it runs or has ended. Raises Unavailable."""


@dataclass(frozen=True)
class Decided:
    """A valid command."""

    review_id: UUID
    decision: Decision
    reason: str
    dry_run: bool


class Voice:
    """What is told of a decision. Raises Unavailable."""

    def __init__(
        self, telling: Telling, composer: EventComposer, rest: RestSealer, clock: Clock
    ) -> None:
        self._telling = telling
        self._composer = composer
        self._rest = rest
        self._clock = clock

    def require_registrable(self, found: InReview) -> None:
        """Raises InputRefused where createEntry would lack a value."""
        if found.entry.set.key_type == KeyType.EVP:
            raise InputRefused(
                "key-type-not-registrable",
                "DICT makes the key of an EVP itself: the old one cannot be registered again",
            )
        papers = None if found.sealed is None else papers_in(found.sealed, self._rest)
        if papers is None or papers.opening_date is None:
            raise InputRefused(
                "account-opening-date-unknown",
                "DICT wants the account's opening date, which was never told: publish entry.report "
                "UPDATED with account_opening_date, or register the key from Core",
            )

    async def acted(
        self, delivery: Delivery, request: Decided, operator: str
    ) -> tuple[OutgoingEvent, ...]:
        """`operator.acted`: who, what, why."""
        event = OperatorActed(
            request_id=str(delivery.envelope.id),
            verb=VERB,
            target_type="review",
            target_id=str(request.review_id),
            operator=operator,
            reason=request.reason,
            outcome=f"would-be-{request.decision}" if request.dry_run else str(request.decision),
            dry_run=request.dry_run,
            acted_at=delivery.published_at,
        )
        return await self._composer.compose(acted(SOURCE, delivery, event))

    async def deleted(
        self,
        delivery: Delivery,
        found: InReview,
        step: ReviewStep,
        told: tuple[OutgoingEvent, ...],
    ) -> ReviewWritten:
        """The entry is a tombstone, the review resolved: both persons are named."""
        at = self._clock.now()
        cause = Cause(delivery.envelope.id, at, delivery.envelope.correlation_id)
        entry = deleted(found.entry, _by_persons(found.opened_at))
        gone = Step(Verdict.APPLY, entry, EntryChange.DELETED)
        closed = await self._telling.closed(
            cause, entry, step.review.review_id, DELETED, step.decided_by
        )
        return ReviewWritten(
            step.review,
            entry=entry,
            entry_events=await self._telling.changed(cause, gone, found.entry, None),
            review_events=closed.events,
            others=told,
            decided_by=step.decided_by,
            at=at,
        )


class DecideReview:
    """The use case of the consumer: the act behind the operators' door."""

    def __init__(
        self,
        store: ReviewStore,
        tokens: OperatorTokens,
        process: KeepProcess,
        voice: Voice,
        new_request_id: IdSource,
    ) -> None:
        self._store = store
        self._process = process
        self._voice = voice
        self._new_request_id = new_request_id
        self._door = OperatorDoor(store, tokens, self)

    async def __call__(self, delivery: Delivery, record: Mapping[str, object]) -> None:
        """Done once, however often it is called. Raises InputRefused, Unavailable."""
        await self._door(delivery, record)

    def read(self, delivery: Delivery, record: Mapping[str, object]) -> Decided:
        """Raises InputRefused with the word that is wrong."""
        review_id = parse_id(text(record, "review_id"), "review_id")
        require_subject(delivery, str(review_id))
        return Decided(
            review_id,
            member(Decision, record, "decision"),
            reason_in(record),
            record.get("dry_run") is True,
        )

    async def accept(self, delivery: Delivery, request: Decided, operator: str) -> None:
        """Against the review as it is; told in the transaction of the inbox row."""

        async def decide(found: InReview) -> ReviewWritten:
            step = decided(found.review, request.decision, operator)
            if request.decision is Decision.KEEP:
                self._voice.require_registrable(found)
            told = await self._voice.acted(delivery, request, operator)
            if request.dry_run:
                return ReviewWritten(found.review, others=told)
            if step.review.status is ReviewStatus.RESOLVED:
                return await self._voice.deleted(delivery, found, step, told)
            keeps = step.review.status is ReviewStatus.KEEPING
            return ReviewWritten(
                step.review,
                others=told,
                decided_by=step.decided_by,
                request_id=self._new_request_id() if keeps else None,
                at=delivery.published_at,
            )

        await self._store.decide(delivery.key, request.review_id, decide)

    async def carry_out(self, delivery: Delivery, request: Decided) -> str:
        """What was accepted is done, but for a registration: that one waits for DICT."""
        del delivery
        if request.decision is Decision.KEEP:
            found = await self._store.look(request.review_id)
            if found is not None and found.review.status is ReviewStatus.KEEPING:
                await self._process.keep(request.review_id, found.review.keeps)
        return request.decision.lower()


def _by_persons(opened_at: datetime) -> Report:
    """DICT did not have it as the review was opened, and two persons agree. Whatever has happened
    to the key since, also before they did, stands."""
    return Report(Source.DICT, to_micros(opened_at), opened_at)
