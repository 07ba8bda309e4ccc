"""Fakes of the desk for dead letters: actions in memory, letters in a box, a kill at any step."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from audit_sink.application.desk_ports import Inspected, Taking
from dict_common.kernel.errors import Unavailable
from dict_common.kernel.letter_ids import LetterId
from dict_common.ports.inbox import InboxKey, Seen, command_id_reused
from dict_common.ports.outgoing import ComposedFrom, OutgoingEvent
from dict_common.testing.inbox import InMemoryInbox


@dataclass
class Action:
    """A row of connect.dead_letter_actions."""

    service: str
    letter: LetterId
    action: str
    event_id: UUID | None
    request_id: UUID
    outcome: str | None


@dataclass
class InMemoryLetterActions(InMemoryInbox):
    """LetterActions over one memory."""

    actions: list[Action] = field(default_factory=list)
    events: list[OutgoingEvent] = field(default_factory=list)

    async def reject(
        self, command: InboxKey, reason_code: str, events: Sequence[OutgoingEvent]
    ) -> None:
        """Once."""
        if self.opened(command, f"rejected:{reason_code}"):
            self.events += events

    async def acted_on(self, service: str, letters: Sequence[LetterId]) -> frozenset[LetterId]:
        """Which of them have an action."""
        known = {action.letter for action in self.actions if action.service == service}
        return frozenset(known & set(letters))

    async def take(
        self, request: InboxKey, taking: Taking | None, events: Sequence[OutgoingEvent]
    ) -> None:
        """All of it or nothing."""
        seen = await self.seen(request)
        if seen is Seen.OTHER_CONTENT:
            raise command_id_reused()
        if seen is not Seen.NEW:
            return
        if taking is not None:
            ids = [letter.id for letter in taking.letters]
            if await self.acted_on(taking.service, ids):
                raise Unavailable("letters-taken", "again")
            outcome = "discarded" if taking.action == "discard" else None
            self.actions += [
                Action(
                    taking.service,
                    letter.id,
                    taking.action,
                    letter.event_id,
                    request.command_id,
                    outcome,
                )
                for letter in taking.letters
            ]
        self.opened(request, None)
        self.events += events

    async def waiting(self, request_id: UUID) -> list[LetterId]:
        """In their order."""
        return [
            action.letter
            for action in self.actions
            if action.request_id == request_id and action.outcome is None
        ]

    async def done(self, service: str, letter: LetterId, outcome: str) -> None:
        """Once."""
        for action in self.actions:
            if (action.service, action.letter, action.outcome) == (service, letter, None):
                action.outcome = outcome


@dataclass
class InMemoryLetters:
    """LetterBox: what lies there by service, and what was given back, in order."""

    there: dict[tuple[str, LetterId], Inspected] = field(default_factory=dict)
    given_back: list[tuple[str, LetterId]] = field(default_factory=list)

    async def inspect(self, service: str, letter: LetterId) -> Inspected | None:
        """A letter."""
        return self.there.get((service, letter))

    async def give_back(self, service: str, letter: LetterId) -> bool:
        """Noted, if it is there."""
        if (service, letter) not in self.there:
            return False
        self.given_back.append((service, letter))
        return True


@dataclass
class CountingPace:
    """Pace that waits for nobody, and knows at which rate it was asked."""

    rates: list[int] = field(default_factory=list)

    async def turn(self, service: str, per_second: int) -> None:
        """Noted."""
        self.rates.append(per_second)


@dataclass
class RecordingComposer:
    """EventComposer without seals; keeps what it composed."""

    composed: list[ComposedFrom] = field(default_factory=list)

    async def compose(self, event: ComposedFrom) -> tuple[OutgoingEvent, ...]:
        """One row an event."""
        self.composed.append(event)
        envelope = event.envelope
        return (
            OutgoingEvent(
                f"events/{event.name}", envelope.subject, envelope, event.name.encode(), 1, True
            ),
        )

    @property
    def records(self) -> list[Mapping[str, object]]:
        """What the events say."""
        return [event.record for event in self.composed]


class Killed(BaseException):
    """The process is no more: nothing catches it."""


class Mortal:
    """Any port, whose process is killed at its n-th call from 0: before it, or right after it."""

    def __init__(self, inner: object, life: "Life") -> None:
        self._inner = inner
        self._life = life

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        async def call(*arguments: object) -> object:
            self._life.step(before=True)
            answer = await getattr(self._inner, name)(*arguments)
            self._life.step(before=False)
            return answer

        return call


@dataclass
class Life:
    """Steps that ports of one process take, and the one at which it dies; None: it lives."""

    dies_at: int | None = None
    before: bool = True
    steps: int = 0

    def step(self, *, before: bool) -> None:
        """Counts a call when it begins. Raises Killed."""
        at = self.steps if before else self.steps - 1
        if before:
            self.steps += 1
        if at == self.dies_at and before == self.before:
            raise Killed
