"""The exam that claim-orchestrator's intake and store pass, fakes and adapters alike."""

from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from claim_orchestrator.application.claim_records import (
    DecisionVerdict,
    SettledIntent,
    Snapshot,
)
from claim_orchestrator.application.ports import (
    ClaimIntake,
    ClaimStore,
    NewClaim,
    NewDecision,
    RowChange,
)
from claim_orchestrator.domain.errors import DictClaimTaken
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import InputRefused
from dict_common.ports.inbox import InboxKey, Seen
from dict_common.ports.outgoing import OutgoingEvent

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN = UUID(int=99)


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
        papers_encrypted=b"sealed",
        claimer_ispb="12345678",
        owner_ispb=None,
        entry_id=None,
        subject_id=uuid4(),
        command_id=uuid4(),
        correlation_id=None,
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
        expire_workflow_id=None,
        last_error=None,
        snapshot=shown("OPEN"),
        claimer_deadline=None,
        intent=None,
        settled_at=NOW,
    )


def shown(status: str, id_: UUID | None = None, at: datetime = NOW) -> Snapshot:
    """What DICT shows."""
    return Snapshot(id_ or uuid4(), status, "87654321", NOW, None, at)


def decision(claim_id: UUID, ce_id: UUID | None = None, word: str = "REFUSE") -> NewDecision:
    """A decision."""
    return NewDecision(
        ce_id=ce_id or uuid4(),
        claim_id=claim_id,
        role="CLAIMER",
        decision=word,
        reason=None,
        otp_id=None,
        decided_at=NOW,
        published_at=NOW,
        effective_at=NOW,
        decided_by="user-1",
        stored_at=NOW,
        fingerprint=b"print",
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
        assert (recorded.row.version, recorded.row.status, recorded.stale) == (2, "RUNNING", False)
        assert recorded.row.shown is not None
        assert recorded.row.shown.status == "OPEN"
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
        assert (once.row.version, again.row.version, stale.row.version) == (1, 1, 1)
        assert (once.stale, again.stale, stale.stale) == (False, False, True)
        assert await self.sequences(claim.claim_id) == [(1, ours)]

    async def test_first_request_id_stands(self) -> None:
        """It is the HMAC key of the CID."""
        intake, store, claim = await self.intake(), await self.store(), new_claim()
        await intake.accept(command_key(), claim)
        first = await store.complete_request_id(claim.claim_id, claim.role, uuid4())
        assert await store.complete_request_id(claim.claim_id, claim.role, uuid4()) == first

    async def test_older_answer_of_dict_never_overwrites_a_newer(self) -> None:
        """It is stale, nothing is written, and the row that stands is answered."""
        intake, store, claim = await self.intake(), await self.store(), new_claim()
        await intake.accept(command_key(), claim)
        newer = replace(change(claim, 0, uuid4()), snapshot=shown("CONFIRMED", RUN))
        await store.record(newer, ())
        past = shown("OPEN", RUN, NOW - timedelta(seconds=1))
        recorded = await store.record(replace(change(claim, 1, uuid4()), snapshot=past), ())
        assert (recorded.stale, recorded.row.version) == (True, 1)
        assert recorded.row.shown is not None
        assert recorded.row.shown.status == "CONFIRMED"

    async def test_claim_of_dict_stands_in_one_row(self) -> None:
        """Two claims of ours that look for one at DICT: one finds it."""
        intake, store = await self.intake(), await self.store()
        first, second, id_ = new_claim(), new_claim(), uuid4()
        for claim in (first, second):
            await intake.accept(command_key(), claim)
        assert await store.unclaimed([id_], second.claim_id) == {id_}
        await store.record(replace(change(first, 0, uuid4()), snapshot=shown("OPEN", id_)), ())
        assert await store.unclaimed([id_], second.claim_id) == set()
        assert await store.unclaimed([id_], first.claim_id) == {id_}
        with pytest.raises(DictClaimTaken):
            await store.record(replace(change(second, 0, uuid4()), snapshot=shown("OPEN", id_)), ())

    async def test_intent_stands_until_a_change_takes_it_away(self) -> None:
        """Each change says what stands after it."""
        intake, store, claim = await self.intake(), await self.store(), new_claim()
        await intake.accept(command_key(), claim)
        id_ = uuid4()
        intent = SettledIntent("OPERATOR", "FRAUD", id_, "USER_REQUESTED")
        snapshot = shown("OPEN")
        settled = replace(change(claim, 0, uuid4()), intent=intent, snapshot=snapshot)
        assert (await store.record(settled, ())).row.intent == intent
        assert (await store.load(claim.claim_id)).row.intent == intent
        dropped = replace(change(claim, 1, uuid4()), snapshot=snapshot)
        assert (await store.record(dropped, ())).row.intent is None

    async def test_first_claim_is_never_somebody_elses(self) -> None:
        """Nothing at DICT: nothing to look through."""
        assert await (await self.store()).unclaimed([], uuid4()) == set()

    async def test_decision_is_stored_once_and_waits_for_its_claim(self) -> None:
        """It may come before the claim."""
        intake, store, claim = await self.intake(), await self.store(), new_claim()
        given, key = decision(claim.claim_id), command_key()
        assert await intake.accept_decision(key, given)
        assert not await intake.accept_decision(key, given)
        await intake.accept(command_key(), claim)
        mail = await store.mail(claim.claim_id)
        assert [it.ce_id for it in mail.decisions] == [given.ce_id]

    async def test_verdict_is_written_with_the_change(self) -> None:
        """Then it waits no more, and a rejection opens an aggregate of its own."""
        intake, store, claim = await self.intake(), await self.store(), new_claim()
        await intake.accept(command_key(), claim)
        good, bad = decision(claim.claim_id), decision(claim.claim_id)
        for given in (good, bad):
            assert await store.store_decision(given) is None
        apart = uuid4()
        verdicts = (DecisionVerdict(good.ce_id, None), DecisionVerdict(bad.ce_id, "decision-late"))
        own, other = uuid4(), uuid4()
        events = [
            outgoing(own, 1, claim.claim_id),
            replace(outgoing(other, 1, apart), apart=True),
        ]
        await store.record(replace(change(claim, 0, own), verdicts=verdicts), events)
        assert (await store.mail(claim.claim_id)).decisions == []
        assert await store.store_decision(good) == "accepted"
        assert await store.store_decision(bad) == "refused:decision-late"
        assert await self.sequences(apart) == [(1, other)]
        told = await store.verdicts_to_tell([bad.ce_id])
        assert [(it.ce_id, it.fingerprint) for it in told] == [(bad.ce_id, b"print")]

    async def test_change_tells_whether_mail_waits(self) -> None:
        """An unjudged decision or a proof; a decision that the change judges is none."""
        intake, store, claim = await self.intake(), await self.store(), new_claim()
        await intake.accept(command_key(), claim)
        assert not (await store.record(change(claim, 0, uuid4()), ())).mail
        given = decision(claim.claim_id)
        await store.store_decision(given)
        assert (await store.record(change(claim, 1, uuid4()), ())).mail
        judged = (DecisionVerdict(given.ce_id, None),)
        judging = replace(change(claim, 2, uuid4()), verdicts=judged)
        assert not (await store.record(judging, ())).mail
        await intake.accept_proof(uuid4(), claim.claim_id, NOW, uuid4())
        assert (await store.record(change(claim, 3, uuid4()), ())).mail

    async def test_decision_about_a_claim_that_is_over_is_refused(self) -> None:
        """And leaves no inbox row: the refusal writes its own."""
        intake, store, claim = await self.intake(), await self.store(), new_claim()
        await intake.accept(command_key(), claim)
        await store.record(replace(change(claim, 0, uuid4()), status="FAILED", snapshot=None), ())
        key = command_key()
        with pytest.raises(InputRefused, match="claim-already-resolved"):
            await intake.accept_decision(key, decision(claim.claim_id))
        assert await intake.seen(key) is Seen.NEW

    async def test_orphan_is_refused_once_unless_its_claim_has_come(self) -> None:
        """Whoever looks first."""
        intake, claim = await self.intake(), new_claim()
        lost, late = decision(uuid4()), decision(claim.claim_id)
        for given in (lost, late):
            await intake.accept_decision(command_key(), given)
        await intake.accept(command_key(), claim)
        found = {it.ce_id for it in await intake.orphans(NOW + timedelta(seconds=1), 1_000)}
        assert lost.ce_id in found
        assert late.ce_id not in found
        assert await intake.refuse_orphan(lost, "claim-unknown", ())
        assert not await intake.refuse_orphan(lost, "claim-unknown", ())
        assert not await intake.refuse_orphan(late, "claim-unknown", ())

    async def test_newest_proof_counts(self) -> None:
        """And a repeat changes nothing."""
        intake, store, claim = await self.intake(), await self.store(), uuid4()
        assert (await store.mail(claim)).proven_at is None
        for hours, otp in ((2, uuid4()), (1, uuid4())):
            for _ in range(2):
                await intake.accept_proof(otp, claim, NOW + timedelta(hours=hours), uuid4())
        assert (await store.mail(claim)).proven_at == NOW + timedelta(hours=2)
