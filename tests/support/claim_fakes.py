"""Fakes of claim-orchestrator's ports."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from claim_orchestrator.application.claim_mail import MAIL_MAX, Mail, StoredDecision
from claim_orchestrator.application.claim_records import (
    ClaimProcessInput,
    ClaimRow,
    OperatorOrder,
    Recorded,
    SettledIntent,
    Snapshot,
)
from claim_orchestrator.application.ports import (
    KeptClaim,
    NewClaim,
    NewDecision,
    RowChange,
)
from claim_orchestrator.domain.claim import Role
from claim_orchestrator.domain.errors import ClaimUnknown, DictClaimTaken
from dict_common.kernel.errors import InputRefused, Unavailable
from dict_common.ports.inbox import InboxKey, command_id_reused
from dict_common.ports.outgoing import OutgoingEvent
from dict_common.testing.inbox import InMemoryInbox


@dataclass
class InMemoryClaims(InMemoryInbox):
    """ClaimIntake and ClaimStore over one memory, as both adapters stand over one database."""

    claims: dict[tuple[UUID, str], NewClaim] = field(default_factory=dict)
    rows: dict[tuple[UUID, str], ClaimRow] = field(default_factory=dict)
    last_errors: dict[tuple[UUID, str], str | None] = field(default_factory=dict)
    last_event_ids: dict[tuple[UUID, str, str], tuple[UUID, ...]] = field(default_factory=dict)
    decisions: dict[UUID, NewDecision] = field(default_factory=dict)
    outcomes: dict[UUID, str] = field(default_factory=dict)
    proofs: dict[UUID, tuple[UUID, datetime]] = field(default_factory=dict)
    deadlines: dict[UUID, datetime] = field(default_factory=dict)
    events: list[tuple[int, OutgoingEvent]] = field(default_factory=list)

    async def accept(self, command: InboxKey, claim: NewClaim) -> bool:
        """Inbox row and claim, together."""
        if not await self.first(command):
            return False
        if (claim.claim_id, claim.role) in self.claims:
            self.undone(command)
            raise InputRefused("claim-already-known", "there is one")
        self.add(claim)
        return True

    def add(self, claim: NewClaim) -> None:
        """A claim's first row."""
        self.claims[claim.claim_id, claim.role] = claim
        self.rows[claim.claim_id, claim.role] = ClaimRow(0, "RUNNING", None, None)

    async def accept_decision(self, command: InboxKey, decision: NewDecision) -> bool:
        """Inbox row and decision, together."""
        if not await self.first(command):
            return False
        row = self.rows.get((decision.claim_id, decision.role))
        if row is not None and row.status != "RUNNING":
            self.undone(command)
            raise InputRefused("claim-already-resolved", f"the claim is {row.status}")
        try:
            self._store(decision)
        except InputRefused:
            self.undone(command)
            raise
        return True

    async def accept_proof(self, otp_id: UUID, claim_id: UUID, at: datetime, ce_id: UUID) -> None:
        """Once."""
        del ce_id
        self.proofs.setdefault(otp_id, (claim_id, at))

    async def accept_operator(self, command: InboxKey, events: Sequence[OutgoingEvent]) -> bool:
        """Inbox row and events, together."""
        if not self.opened(command, None):
            return False
        self.events += [(event.ordinal, event) for event in events]
        return True

    async def orphans(self, stored_before: datetime, limit: int) -> list[NewDecision]:
        """Decisions without a claim."""
        return [
            decision
            for decision in self.decisions.values()
            if decision.ce_id not in self.outcomes
            and decision.stored_at < stored_before
            and (decision.claim_id, decision.role) not in self.rows
        ][:limit]

    async def refuse_orphan(
        self, decision: NewDecision, reason_code: str, events: Sequence[OutgoingEvent]
    ) -> bool:
        """Unless it was settled, or its claim has come."""
        if (decision.claim_id, decision.role) in self.rows or decision.ce_id in self.outcomes:
            return False
        self.outcomes[decision.ce_id] = f"refused:{reason_code}"
        self.events += [(event.ordinal, event) for event in events]
        return True

    async def reject(
        self, command: InboxKey, reason_code: str, events: Sequence[OutgoingEvent]
    ) -> None:
        """Once for each content."""
        if self.opened(command, f"rejected:{reason_code}"):
            self.events += [(event.ordinal, event) for event in events]

    async def record(self, change: RowChange, events: Sequence[OutgoingEvent]) -> Recorded:
        """If the version is as expected and DICT's answer not an older one."""
        key = (change.claim_id, change.role)
        row = self._row(*key)
        writer = (*key, change.workflow_id)
        if row.version != change.expected_version or _is_older(row.shown, change.snapshot):
            return Recorded(row, stale=self.last_event_ids.get(writer) != change.event_ids)
        self._refuse_taken(change)
        self.last_event_ids[writer] = change.event_ids
        moved = change.status != row.status or _stands(row.shown, row.intent) != _stands(
            change.snapshot or row.shown, change.intent
        )
        if change.last_error is not None or moved:
            self.last_errors[key] = change.last_error
        self.events += [
            ((0 if event.apart else row.version) + event.ordinal, event) for event in events
        ]
        self.outcomes |= {
            verdict.ce_id: "accepted" if verdict.refused is None else f"refused:{verdict.refused}"
            for verdict in change.verdicts
        }
        if change.claimer_deadline is not None:
            self.deadlines[change.claim_id] = change.claimer_deadline
        self.rows[key] = replace(
            row,
            version=row.version + len(change.event_ids),
            status=change.status,
            shown=change.snapshot or row.shown,
            intent=change.intent,
            resolution_type=change.resolution_type or row.resolution_type,
        )
        waits = await self.mail(change.claim_id)
        return Recorded(
            self.rows[key], stale=False, mail=bool(waits.decisions) or waits.proven_at is not None
        )

    async def load(self, claim_id: UUID) -> KeptClaim:
        """By our id."""
        key = (claim_id, Role.CLAIMER)
        claim, row = self.claims.get(key), self._row(*key)
        if claim is None:
            raise ClaimUnknown(claim_id)
        return KeptClaim(
            claim_id=claim.claim_id,
            participant=claim.claimer_ispb,
            type=claim.claim_type,
            key_type=claim.key_type,
            owner_ispb=claim.owner_ispb,
            entry_id=claim.entry_id,
            subject_id=claim.subject_id,
            command_id=claim.command_id,
            correlation_id=claim.correlation_id,
            key_encrypted=claim.key_encrypted,
            papers_encrypted=claim.papers_encrypted,
            row=row,
        )

    async def complete_request_id(self, claim_id: UUID, role: str, proposed: UUID) -> UUID:
        """The first one stands."""
        row = self._row(claim_id, role)
        stands = row.complete_request_id or proposed
        self.rows[claim_id, role] = replace(row, complete_request_id=stands)
        return stands

    async def unclaimed(self, dict_claim_ids: Sequence[UUID], claim_id: UUID) -> set[UUID]:
        """DICT's claims in no other row of ours."""
        taken = {
            row.shown.dict_claim_id
            for (id_, _), row in self.rows.items()
            if row.shown and id_ != claim_id
        }
        return set(dict_claim_ids) - taken

    async def store_decision(self, decision: NewDecision) -> str | None:
        """Once; its outcome."""
        self._store(decision)
        return self.outcomes.get(decision.ce_id)

    async def mail(self, claim_id: UUID) -> Mail:
        """What nobody has judged."""
        waiting = [
            decision
            for decision in self.decisions.values()
            if decision.claim_id == claim_id and decision.ce_id not in self.outcomes
        ]
        proven = [at for claim, at in self.proofs.values() if claim == claim_id]
        deadline = self.deadlines.get(claim_id)
        timely = [at for at in proven if deadline is not None and at < deadline]
        return Mail(
            [_stored(it) for it in sorted(waiting, key=lambda it: it.effective_at)][:MAIL_MAX],
            max(timely or proven, default=None),
        )

    async def verdicts_to_tell(self, ce_ids: Sequence[UUID]) -> list[NewDecision]:
        """Those of these ids."""
        return [self.decisions[ce_id] for ce_id in ce_ids if ce_id in self.decisions]

    def _store(self, decision: NewDecision) -> None:
        stands = self.decisions.setdefault(decision.ce_id, decision)
        if _content(stands) != _content(decision):
            raise command_id_reused()

    def _refuse_taken(self, change: RowChange) -> None:
        shown = change.snapshot
        for (claim_id, _), row in self.rows.items():
            taken = row.shown and shown and row.shown.dict_claim_id == shown.dict_claim_id
            if taken and claim_id != change.claim_id:
                raise DictClaimTaken(change.claim_id)

    def _row(self, claim_id: UUID, role: str) -> ClaimRow:
        row = self.rows.get((claim_id, role))
        if row is None:
            raise ClaimUnknown(claim_id)
        return row


def _stands(shown: Snapshot | None, intent: SettledIntent | None) -> tuple[str, str]:
    return (shown.status if shown else "", intent.reason if intent else "")


def _is_older(known: Snapshot | None, shown: Snapshot | None) -> bool:
    return known is not None and shown is not None and shown.last_modified < known.last_modified


def _content(it: NewDecision) -> tuple[object, ...]:
    return (it.claim_id, it.role, it.decision, it.reason, it.decided_by)


def _stored(decision: NewDecision) -> StoredDecision:
    return StoredDecision(
        ce_id=decision.ce_id,
        decision=decision.decision,
        reason=decision.reason,
        decided_at=decision.decided_at,
        effective_at=decision.effective_at,
        decided_by=decision.decided_by,
        otp_id=None if decision.otp_id is None else str(decision.otp_id),
    )


@dataclass
class RecordingProcess:
    """ClaimProcess that remembers; `away` makes so many calls fail."""

    away: int = 0
    started: list[ClaimProcessInput] = field(default_factory=list)
    woken: list[UUID] = field(default_factory=list)
    orders: list[tuple[UUID, OperatorOrder]] = field(default_factory=list)
    restarted: list[ClaimProcessInput] = field(default_factory=list)
    lost: bool = False
    """No workflow of any claim runs, until one is started anew."""

    async def start(self, process: ClaimProcessInput) -> None:
        """Starts, or is away."""
        self._answer()
        self.started.append(process)

    async def wake(self, claim_id: UUID) -> None:
        """Wakes, or is away."""
        self._answer()
        self.woken.append(claim_id)

    async def order(self, claim_id: UUID, order: OperatorOrder) -> bool:
        """Hands over, or is away."""
        self._answer()
        if not self.lost:
            self.orders.append((claim_id, order))
        return not self.lost

    async def restart(self, process: ClaimProcessInput) -> None:
        """Starts anew."""
        self._answer()
        self.restarted.append(process)
        self.lost = False

    def _answer(self) -> None:
        if self.away:
            self.away -= 1
            raise Unavailable("temporal-failed", "away")


class ClearSealer:
    """RestSealer that seals nothing: for tests that are not about secrecy."""

    def seal(self, context: str, plaintext: bytes) -> bytes:
        """As it is."""
        return plaintext

    def open(self, context: str, ciphertext: bytes) -> bytes:
        """As it is."""
        return ciphertext

    def look_up_hash(self, text: str) -> str:
        """The same for all."""
        return "0" * 64

    def look_up_hashes(self, text: str) -> tuple[str, ...]:
        """The same for all."""
        return ("0" * 64,)
