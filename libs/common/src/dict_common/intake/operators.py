"""`operator.request`, as every service that answers one does it.

A service brings an `OperatorAct` for its verbs; the door judges token and words, and sees to it
that a request is taken once and carried out until it is done.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, TypeVar

from dict_common.intake.events import CausedBy, OperatorActed, only_event
from dict_common.kernel.bound_tokens import token_of
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.fields import bounded, opaque
from dict_common.kernel.personal import looks_personal
from dict_common.ports.inbox import CommandInbox, Delivery, Seen, command_id_reused
from dict_common.ports.outgoing import ComposedFrom

REASON_CHARACTERS_MAX = 200
Record = Mapping[str, object]


class OperatorTokens(Protocol):
    """Judges operators' tokens. Never blocks."""

    def subject_of(self, token: str, at: datetime) -> str:
        """The opaque id of the operator whose token was valid at that instant.

        Raises InputRefused `token-invalid`.
        """


class Asked(Protocol):
    """A valid request, as far as the door cares."""

    @property
    def dry_run(self) -> bool:
        """Judge and answer, change nothing."""


_Request = TypeVar("_Request", bound=Asked)


class OperatorAct(Protocol[_Request]):
    """What a service does for its verbs. Every step raises InputRefused, Unavailable."""

    def read(self, delivery: Delivery, record: Record) -> _Request:
        """The request, if its words are valid."""

    async def accept(self, delivery: Delivery, request: _Request, operator: str) -> None:
        """Checks it against what is, and stores it with its inbox row (outcome NULL) and
        `operator.acted` in one transaction. For a dry run: inbox row and event alone."""

    async def carry_out(self, delivery: Delivery, request: _Request) -> str:
        """Does what was accepted, or the rest of it; answers the outcome for the inbox."""


class OperatorDoor:
    """Takes requests of the verbs of one act."""

    def __init__(
        self, inbox: CommandInbox, tokens: OperatorTokens, act: OperatorAct[_Request]
    ) -> None:
        self._inbox = inbox
        self._tokens = tokens
        self._act: OperatorAct[_Request] = act

    async def __call__(self, delivery: Delivery, record: Record) -> None:
        """Done once, however often it is called. Raises InputRefused, Unavailable."""
        seen = await self._inbox.seen(delivery.key)
        if seen is Seen.SETTLED:
            return
        if seen is Seen.OTHER_CONTENT:
            raise command_id_reused()
        request = self._act.read(delivery, record)
        if seen is Seen.NEW:  # what was accepted stays so: a key may be gone when it comes again
            token = token_of(delivery.key.command_id, record)
            subject = self._tokens.subject_of(token, delivery.published_at)
            await self._act.accept(delivery, request, opaque({"sub": subject}, "sub"))
        outcome = "dry-run" if request.dry_run else await self._act.carry_out(delivery, request)
        await self._inbox.settle(delivery.key, outcome)


def require_subject(delivery: Delivery, target: str) -> None:
    """Raises InputRefused unless the envelope speaks of the body's target."""
    if delivery.envelope.subject.lower() != target:
        raise InputRefused("subject-differs", "ce_subject must be the target of the body")


def reason_in(record: Record) -> str:
    """Why the operator asks. Raises InputRefused: it is kept for ever and in clear."""
    reason = bounded(record, "reason", REASON_CHARACTERS_MAX)
    if looks_personal(reason):
        raise InputRefused(
            "reason-holds-personal-data",
            "reason is kept for ever and in clear: name a ticket, no phone, tax id or e-mail",
        )
    return reason


def acted(source: str, delivery: Delivery, event: OperatorActed) -> ComposedFrom:
    """`operator.acted` of a request, before it is composed; the same however often."""
    envelope = delivery.envelope
    cause = CausedBy(source, envelope.id, envelope.correlation_id, envelope.traceparent)
    return only_event(event, "operator-action", envelope.id, delivery.published_at, cause)
