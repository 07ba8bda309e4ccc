"""Fakes of claim-orchestrator's ports, and the exams that fakes and adapters pass alike."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from claim_orchestrator.application.claim_process import ClaimProcessInput, Recorded
from claim_orchestrator.application.ports import (
    ClaimIntake,
    ClaimStore,
    NewClaim,
    RowChange,
    command_id_reused,
)
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import InputRefused, Unavailable
from dict_common.ports.inbox import InboxKey, Seen
from dict_common.ports.outgoing import OutgoingEvent

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN = UUID(int=99)


@dataclass
class InMemoryClaims:
    """ClaimIntake and ClaimStore over one memory, as both adapters stand over one database."""

    inbox: dict[tuple[str, UUID, bytes], str | None] = field(default_factory=dict)
    claims: dict[tuple[UUID, str], NewClaim] = field(default_factory=dict)
    rows: dict[tuple[UUID, str], Recorded] = field(default_factory=dict)
    last_event_ids: dict[tuple[UUID, str, str], tuple[UUID, ...]] = field(default_factory=dict)
    request_ids: dict[tuple[UUID, str], UUID] = field(default_factory=dict)
    events: list[tuple[int, OutgoingEvent]] = field(default_factory=list)

    async def seen(self, command: InboxKey) -> Seen:
        """What the inbox knows."""
        known = {
            print_: outcome
            for (consumer, id_, print_), outcome in self.inbox.items()
            if (consumer, id_) == (command.consumer, command.command_id)
        }
        for print_ in command.fingerprints:
            if print_ in known:
                return Seen.OPEN if known[print_] is None else Seen.SETTLED
        return Seen.OTHER_CONTENT if known else Seen.NEW

    async def accept(self, command: InboxKey, claim: NewClaim) -> bool:
        """Inbox row and claim, together."""
        if await self.seen(command) is Seen.OTHER_CONTENT:
            raise command_id_reused()
        if not self._open(command, None):
            return False
        if (claim.claim_id, claim.role) in self.claims:
            del self.inbox[_key(command)]
            raise InputRefused("claim-already-known", "there is one")
        self.claims[claim.claim_id, claim.role] = claim
        self.rows[claim.claim_id, claim.role] = Recorded(0, "RUNNING", None, stale=False)
        return True

    async def settle(self, command: InboxKey, outcome: str) -> None:
        """An open row's outcome."""
        for print_ in command.fingerprints:
            key = (command.consumer, command.command_id, print_)
            if key in self.inbox and self.inbox[key] is None:
                self.inbox[key] = outcome

    async def reject(
        self, command: InboxKey, reason_code: str, events: Sequence[OutgoingEvent]
    ) -> None:
        """Once for each content."""
        if self._open(command, f"rejected:{reason_code}"):
            self.events += [(event.ordinal, event) for event in events]

    async def record(self, change: RowChange, events: Sequence[OutgoingEvent]) -> Recorded:
        """If the version is the expected one."""
        key = (change.claim_id, change.role)
        row, writer = self.rows[key], (change.claim_id, change.role, change.workflow_id)
        if row.version != change.expected_version:
            done = self.last_event_ids.get(writer) == change.event_ids
            return replace(row, stale=not done)
        self.last_event_ids[writer] = change.event_ids
        self.events += [(row.version + event.ordinal, event) for event in events]
        self.rows[key] = Recorded(
            row.version + len(change.event_ids),
            change.status,
            change.dict_status or row.dict_status,
            stale=False,
        )
        return self.rows[key]

    async def complete_request_id(self, claim_id: UUID, role: str, proposed: UUID) -> UUID:
        """The first one stands."""
        return self.request_ids.setdefault((claim_id, role), proposed)

    def _open(self, command: InboxKey, outcome: str | None) -> bool:
        if _key(command) in self.inbox:
            return False
        self.inbox[_key(command)] = outcome
        return True


def _key(command: InboxKey) -> tuple[str, UUID, bytes]:
    return (command.consumer, command.command_id, command.fingerprints[0])


@dataclass
class RecordingProcess:
    """ClaimProcess that remembers; `away` makes so many starts fail."""

    away: int = 0
    started: list[ClaimProcessInput] = field(default_factory=list)

    async def start(self, process: ClaimProcessInput) -> None:
        """Starts, or is away."""
        if self.away:
            self.away -= 1
            raise Unavailable("temporal-failed", "away")
        self.started.append(process)


def command_key(command_id: UUID | None = None, content: bytes = b"\x00content") -> InboxKey:
    """A command's key."""
    return InboxKey("test.consumer", command_id or uuid4(), (content,))


def new_claim(claim_id: UUID | None = None) -> NewClaim:
    """A claim's first row."""
    id_ = claim_id or uuid4()
    return NewClaim(
        claim_id=id_,
        role="CLAIMER",
        workflow_id=f"claim-{id_}",
        claim_type="PORTABILITY",
        key_type="PHONE",
        key_hash="0" * 64,
        key_encrypted=b"sealed",
        claimer_ispb="12345678",
        owner_ispb=None,
        entry_id=None,
        subject_id=uuid4(),
        started_at=NOW,
        expires_at=NOW + timedelta(days=30),
    )


def change(claim: NewClaim, expected_version: int, *event_ids: UUID) -> RowChange:
    """A change to OPEN."""
    return RowChange(
        claim_id=claim.claim_id,
        role=claim.role,
        workflow_id=claim.workflow_id,
        workflow_run_id=RUN,
        expected_version=expected_version,
        event_ids=event_ids,
        status="RUNNING",
        resolution_type=None,
        resolution_reason=None,
        completed_at=None,
        expires_at=None,
        monitor_workflow_id=None,
        last_error=None,
        dict_claim_id=None,
        dict_status="OPEN",
        owner_ispb="87654321",
        resolution_period_end=NOW,
        completion_period_end=None,
        claimer_deadline=None,
        confirm_reason=None,
        cancel_reason=None,
        cancelled_by=None,
        dict_last_modified=NOW,
    )


def outgoing(event_id: UUID, ordinal: int, subject: UUID) -> OutgoingEvent:
    """An event of a claim."""
    envelope = Envelope(event_id, "workflow.step", "/s", NOW, str(subject), "claim")
    return OutgoingEvent("events/workflow.step", str(subject), envelope, b"body", ordinal)


class ClaimPortsSuite(ABC):
    """What intake and store promise together."""

    @abstractmethod
    async def intake(self) -> ClaimIntake:
        """The consumer's side."""

    @abstractmethod
    async def store(self) -> ClaimStore:
        """The worker's side."""

    @abstractmethod
    async def sequences(self, subject: UUID) -> list[tuple[int, UUID]]:
        """(sequence, event id) of a claim's events that wait to be sent, sorted."""

    async def test_command_is_new_open_settled(self) -> None:
        """Its life in the inbox."""
        intake, key = await self.intake(), command_key()
        assert await intake.seen(key) is Seen.NEW
        assert await intake.accept(key, new_claim())
        assert await intake.seen(key) is Seen.OPEN
        assert not await intake.accept(key, new_claim())
        await intake.settle(key, "started")
        assert await intake.seen(key) is Seen.SETTLED

    async def test_same_id_with_other_content(self) -> None:
        """Is another command, and known as such."""
        intake, key = await self.intake(), command_key()
        await intake.accept(key, new_claim())
        other = command_key(key.command_id, b"\x00other")
        assert await intake.seen(other) is Seen.OTHER_CONTENT
        with pytest.raises(InputRefused, match="command-id-reused"):
            await intake.accept(other, new_claim())
        await intake.reject(other, "command-id-reused", ())
        assert await intake.seen(other) is Seen.SETTLED
        assert await intake.seen(key) is Seen.OPEN

    async def test_known_claim_leaves_no_inbox_row(self) -> None:
        """The refusal writes its own."""
        intake, claim, second = await self.intake(), new_claim(), command_key()
        await intake.accept(command_key(), claim)
        with pytest.raises(InputRefused, match="claim-already-known"):
            await intake.accept(second, claim)
        assert await intake.seen(second) is Seen.NEW

    async def test_rejection_is_written_once(self) -> None:
        """However often the command comes."""
        intake, key, subject = await self.intake(), command_key(), uuid4()
        for _ in range(3):
            await intake.reject(key, "key-invalid", [outgoing(uuid4(), 1, subject)])
        assert [sequence for sequence, _ in await self.sequences(subject)] == [1]

    async def test_transition_numbers_its_events_without_gaps(self) -> None:
        """1, 2, then 3."""
        intake, store, claim = await self.intake(), await self.store(), new_claim()
        await intake.accept(command_key(), claim)
        first, second, third = uuid4(), uuid4(), uuid4()
        pair = [outgoing(first, 1, claim.claim_id), outgoing(second, 2, claim.claim_id)]
        recorded = await store.record(change(claim, 0, first, second), pair)
        assert recorded == Recorded(2, "RUNNING", "OPEN", stale=False)
        await store.record(change(claim, 2, third), [outgoing(third, 1, claim.claim_id)])
        assert await self.sequences(claim.claim_id) == [(1, first), (2, second), (3, third)]

    async def test_repeat_is_done_and_a_stranger_is_stale(self) -> None:
        """Nothing is written twice, nothing over another."""
        intake, store, claim = await self.intake(), await self.store(), new_claim()
        await intake.accept(command_key(), claim)
        ours, theirs = uuid4(), uuid4()
        once = await store.record(change(claim, 0, ours), [outgoing(ours, 1, claim.claim_id)])
        again = await store.record(change(claim, 0, ours), [outgoing(ours, 1, claim.claim_id)])
        stale = await store.record(change(claim, 0, theirs), [outgoing(theirs, 1, claim.claim_id)])
        assert (once.version, again.version, stale.version) == (1, 1, 1)
        assert (once.stale, again.stale, stale.stale) == (False, False, True)
        assert await self.sequences(claim.claim_id) == [(1, ours)]

    async def test_first_request_id_stands(self) -> None:
        """It is the HMAC key of the CID."""
        intake, store, claim = await self.intake(), await self.store(), new_claim()
        await intake.accept(command_key(), claim)
        first = await store.complete_request_id(claim.claim_id, claim.role, uuid4())
        assert await store.complete_request_id(claim.claim_id, claim.role, uuid4()) == first
