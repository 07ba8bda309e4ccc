"""The exam that LetterActions passes, fake and adapter alike."""

from abc import ABC, abstractmethod
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from audit_sink.application.desk_ports import LetterActions, LetterTaken, Taking
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import InputRefused, Unavailable
from dict_common.kernel.letter_ids import LetterId
from dict_common.ports.inbox import InboxKey, Seen
from dict_common.ports.outgoing import OutgoingEvent

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SERVICE = "claim-orchestrator"


def key(content: bytes = b"\x00a", id_: UUID | None = None) -> InboxKey:
    """A request's key."""
    return InboxKey("audit-desk.operator", id_ or uuid4(), (content,))


def letters(many: int) -> tuple[LetterTaken, ...]:
    """Letters nobody met before, so that tests may share a database."""
    ledger = uuid4().int % 10**15
    return tuple(LetterTaken(LetterId(ledger, n, n % 4, -1), uuid4()) for n in range(many))


def taking(*taken: LetterTaken, action: str = "redrive", service: str = SERVICE) -> Taking:
    """What a request does."""
    return Taking(service, action, taken, "op-17", "OPS-1")


def event(id_: UUID | None = None) -> OutgoingEvent:
    """operator.acted."""
    envelope = Envelope(id_ or uuid4(), "operator.acted", "/s", NOW, str(uuid4()), "x")
    return OutgoingEvent("events/operator.acted", envelope.subject, envelope, b"body", 1, True)


class LetterActionsSuite(ABC):
    """What the port promises."""

    @abstractmethod
    async def actions(self) -> LetterActions:
        """The port."""

    @abstractmethod
    async def told(self, id_: UUID) -> int:
        """How many events of that id stand in the outbox."""

    async def test_taken_together_once_and_in_order(self) -> None:
        actions, request, told = await self.actions(), key(), event()
        first, second, third = letters(3)
        for _ in range(2):
            await actions.take(request, taking(third, first, second), (told,))
        assert await actions.seen(request) is Seen.OPEN
        assert await actions.waiting(request.command_id) == [third.id, first.id, second.id]
        assert await self.told(told.envelope.id) == 1
        ids = [first.id, second.id, third.id, letters(1)[0].id]
        assert await actions.acted_on(SERVICE, ids) == {first.id, second.id, third.id}

    async def test_letter_of_another_service_is_another_letter(self) -> None:
        actions, (letter,) = await self.actions(), letters(1)
        await actions.take(key(), taking(letter), (event(),))
        assert await actions.acted_on("audit-sink", [letter.id]) == frozenset()
        await actions.take(key(), taking(letter, service="audit-sink"), (event(),))

    async def test_what_is_done_waits_no_more(self) -> None:
        actions, request = await self.actions(), key()
        first, second = letters(2)
        await actions.take(request, taking(first, second), (event(),))
        for outcome in ("redriven", "gone"):  # the first stands
            await actions.done(SERVICE, first.id, outcome)
        assert await actions.waiting(request.command_id) == [second.id]
        await actions.done(SERVICE, second.id, "gone")
        assert await actions.waiting(request.command_id) == []
        await actions.settle(request, "redriven")
        assert await actions.seen(request) is Seen.SETTLED

    async def test_discard_is_done_when_it_is_taken(self) -> None:
        actions, request, (letter,) = await self.actions(), key(), letters(1)
        await actions.take(request, taking(letter, action="discard"), (event(),))
        assert await actions.waiting(request.command_id) == []
        assert await actions.acted_on(SERVICE, [letter.id]) == {letter.id}

    async def test_letter_taken_meanwhile_stores_nothing(self) -> None:
        actions, request, told = await self.actions(), key(), event()
        first, second = letters(2)
        await actions.take(key(), taking(second), (event(),))
        with pytest.raises(Unavailable, match="letters-taken"):
            await actions.take(request, taking(first, second), (told,))
        assert await actions.seen(request) is Seen.NEW
        assert await actions.acted_on(SERVICE, [first.id]) == frozenset()
        assert await self.told(told.envelope.id) == 0

    async def test_dry_run_is_told_and_takes_nothing(self) -> None:
        actions, request, told = await self.actions(), key(), event()
        await actions.take(request, None, (told,))
        assert await actions.seen(request) is Seen.OPEN
        assert await self.told(told.envelope.id) == 1

    async def test_other_content_under_the_same_id_is_refused(self) -> None:
        actions, request = await self.actions(), key()
        await actions.take(request, taking(*letters(1)), (event(),))
        with pytest.raises(InputRefused, match="command-id-reused"):
            await actions.take(
                key(b"\x00other", request.command_id), taking(*letters(1)), (event(),)
            )

    async def test_rejection_is_told_once(self) -> None:
        actions, request, told = await self.actions(), key(), event()
        for _ in range(2):
            await actions.reject(request, "letter-unknown", (told,))
        assert await actions.seen(request) is Seen.SETTLED
        assert await self.told(told.envelope.id) == 1
