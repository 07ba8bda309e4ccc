"""Dead letters at an operator's request: given back to their service, or discarded.

Taken in one transaction (inbox row, an action for each letter, `operator.acted`); then the letters
of a redrive go back one by one, each noted when the broker has it. A kill between any two steps is
a redelivery of the request that goes on with the rest: a letter may go twice, never not at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from audit_sink.application.desk_ports import (
    LetterActions,
    LetterBox,
    LetterTaken,
    Pace,
    Taking,
)
from dict_common.intake.events import OperatorActed
from dict_common.intake.operators import acted, reason_in, require_subject
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.fields import member
from dict_common.kernel.letter_ids import LETTERS_MAX, RATE_MAX, LetterId
from dict_common.ports.inbox import Delivery
from dict_common.ports.outgoing import EventComposer

SOURCE = "/dict-connect/audit-desk"
TARGET_TYPE = "dead-letters"


class Verb(StrEnum):
    """What an operator may ask of dead letters."""

    DEAD_LETTERS_REDRIVE = "DEAD_LETTERS_REDRIVE"
    DEAD_LETTERS_DISCARD = "DEAD_LETTERS_DISCARD"


ACTIONS = {Verb.DEAD_LETTERS_REDRIVE: "redrive", Verb.DEAD_LETTERS_DISCARD: "discard"}


@dataclass(frozen=True)
class DeskRules:
    """The services that have dead letters, and letters a second where a request says nothing."""

    services: tuple[str, ...]
    per_second: int


@dataclass(frozen=True)
class Request:
    """A valid request: letters named once each."""

    verb: Verb
    service: str
    reason: str
    letters: tuple[LetterId, ...]
    per_second: int
    dry_run: bool


class DeadLetterDesk:
    """The act behind the operators' door."""

    def __init__(
        self,
        actions: LetterActions,
        box: LetterBox,
        composer: EventComposer,
        pace: Pace,
        rules: DeskRules,
    ) -> None:
        self._actions = actions
        self._box = box
        self._composer = composer
        self._pace = pace
        self._rules = rules

    def read(self, delivery: Delivery, record: Mapping[str, object]) -> Request:
        """Raises InputRefused with the word that is wrong."""
        service = record.get("target")
        if not isinstance(service, str) or service not in self._rules.services:
            raise InputRefused(
                "service-unknown",
                f"target must have dead letters: one of {', '.join(self._rules.services)}",
            )
        require_subject(delivery, service)
        return Request(
            reason=reason_in(record),
            verb=member(Verb, record, "verb"),
            service=service,
            letters=_letters(record),
            per_second=_rate(record, self._rules.per_second),
            dry_run=record.get("dry_run") is True,
        )

    async def accept(self, delivery: Delivery, request: Request, operator: str) -> None:
        """Letters acted on before are left out and counted; without any other it is refused."""
        before = await self._actions.acted_on(request.service, request.letters)
        left = [letter for letter in request.letters if letter not in before]
        if not left:
            raise InputRefused(
                "letters-acted-on",
                "each of these letters was redriven or discarded before: "
                f"dictctl dlq list --service {request.service} --all",
            )
        letters = tuple([await self._inspected(request, letter) for letter in left])
        event = OperatorActed(
            request_id=str(delivery.envelope.id),
            verb=request.verb,
            target_type=TARGET_TYPE,
            target_id=request.service,
            operator=operator,
            reason=request.reason,
            outcome="would-be-accepted" if request.dry_run else "accepted",
            dry_run=request.dry_run,
            acted_at=delivery.published_at,
            letters=tuple(str(letter.id) for letter in letters),
            skipped=len(before),
        )
        events = await self._composer.compose(acted(SOURCE, delivery, event))
        taking = Taking(request.service, ACTIONS[request.verb], letters, operator, request.reason)
        await self._actions.take(delivery.key, None if request.dry_run else taking, events)

    async def carry_out(self, delivery: Delivery, request: Request) -> str:
        """Gives back what has not gone yet, at the rate that was asked for."""
        if request.verb is Verb.DEAD_LETTERS_DISCARD:
            return "discarded"
        for letter in await self._actions.waiting(delivery.key.command_id):
            await self._pace.turn(request.service, request.per_second)
            there = await self._box.give_back(request.service, letter)
            await self._actions.done(request.service, letter, "redriven" if there else "gone")
        return "redriven"

    async def _inspected(self, request: Request, letter: LetterId) -> LetterTaken:
        found = await self._box.inspect(request.service, letter)
        if found is None:
            raise InputRefused(
                "letter-unknown",
                f"{request.service} has no dead letter {letter}: "
                f"dictctl dlq list --service {request.service}",
            )
        if not found.readable and request.verb is Verb.DEAD_LETTERS_REDRIVE:
            raise InputRefused(
                "letter-unreadable",
                f"letter {letter} does not open with the keyset rest: give the keyset its old key "
                "back, or discard this letter",
            )
        return LetterTaken(letter, found.event_id)


def _letters(record: Mapping[str, object]) -> tuple[LetterId, ...]:
    named = record.get("letters")
    if not isinstance(named, list) or not named:
        raise InputRefused("field-missing", "letters must name at least one letter")
    if len(named) > LETTERS_MAX:
        raise InputRefused("letters-too-many", f"one request may name {LETTERS_MAX} letters")
    return tuple(dict.fromkeys(LetterId.parse(str(text)) for text in named))


def _rate(record: Mapping[str, object], otherwise: int) -> int:
    rate = record.get("rate")
    if rate is None:
        return otherwise
    if not isinstance(rate, int) or not 1 <= rate <= RATE_MAX:
        raise InputRefused("rate-invalid", f"rate must be 1 to {RATE_MAX} letters a second")
    return rate
