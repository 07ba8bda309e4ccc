"""The consumer's use cases over fakes: stored first, told once, repeated until they succeed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from claim_orchestrator.application.claim_records import (
    ClaimRow,
    ProcessRef,
    Recorded,
    Transition,
)
from claim_orchestrator.application.claim_status import ClaimStatus, RememberStatus, claim_key
from claim_orchestrator.application.claim_timeline import timeline, trace_ids
from claim_orchestrator.application.decide_claim import DecideClaim, Delivery
from claim_orchestrator.application.note_proof import NoteProof
from claim_orchestrator.application.operator_request import (
    HandleOperatorRequest,
    check_act,
    check_decision,
)
from claim_orchestrator.application.orphan_decisions import WAITED_FOR, OrphanDecisions
from claim_orchestrator.domain.deadlines import Calendar
from dict_common.kernel.bound_tokens import bound_token
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import InputRefused, Unavailable, Undeliverable
from dict_common.ports.inbox import InboxKey, Seen
from dict_common.testing.cache import InMemoryCache
from dict_common.testing.clock import FixedClock
from tests.support.claim_fakes import InMemoryClaims, RecordingProcess
from tests.support.claim_inputs import POLICY, first_row, process_input
from tests.support.claim_ports_suite import shown
from tests.support.claim_simulation import ClearComposer
from tests.support.publishing import decision

CLAIM = UUID(int=77)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def delivery(name: str, subject: UUID = CLAIM, content: bytes = b"a") -> Delivery:
    """A command as it came."""
    envelope = Envelope(uuid4(), name, "/core", NOW, str(subject), "claim")
    return Delivery(InboxKey(name, envelope.id, (content,)), envelope, NOW)


class Desk:
    """The use cases over one memory."""

    def __init__(self) -> None:
        self.claims, self.process, self.clock = InMemoryClaims(), RecordingProcess(), FixedClock()
        self.key_gone = False
        self.decide = DecideClaim(self.claims, self.process, self.clock)
        self.orphans = OrphanDecisions(self.claims, ClearComposer(), self.clock)
        self.proof = NoteProof(self.claims, self.process, frozenset({"12345678"}), self.clock)
        self.handle = HandleOperatorRequest(
            self.claims, self.claims, self.process, self, ClearComposer(), POLICY
        )

    async def operator(self, came: Delivery, record: dict[str, object]) -> None:
        """An order whose token was made for it."""
        token = bound_token(str(record["token"]), came.key.command_id, record)
        await self.handle(came, record | {"token": token})

    def subject_of(self, token: str, at: datetime) -> str:
        """OperatorTokens: one token is good."""
        if self.key_gone or token not in ("good", "personal"):
            raise InputRefused("token-invalid", "no")
        return "op-17" if token == "good" else "joao@example.com"


async def test_decision_is_stored_woken_and_settled_once() -> None:
    desk, came = Desk(), delivery("claim.decide")
    record = decision(CLAIM, decided_at=NOW)
    for _ in range(3):
        await desk.decide(came, record)
    assert list(desk.claims.decisions) == [came.key.command_id]
    assert desk.process.woken == [CLAIM]
    assert await desk.claims.seen(came.key) is Seen.SETTLED


async def test_wake_up_is_repeated_until_temporal_has_it() -> None:
    desk, came = Desk(), delivery("claim.decide")
    desk.process.away = 2
    for _ in range(2):
        with pytest.raises(Unavailable):
            await desk.decide(came, decision(CLAIM, decided_at=NOW))
    assert await desk.claims.seen(came.key) is Seen.OPEN
    await desk.decide(came, decision(CLAIM, decided_at=NOW))
    assert desk.process.woken == [CLAIM]


async def test_decision_about_another_claim_than_its_subject() -> None:
    with pytest.raises(InputRefused, match="subject-differs"):
        await Desk().decide(delivery("claim.decide", uuid4()), decision(CLAIM, decided_at=NOW))


async def test_orphan_is_refused_after_a_day_and_once() -> None:
    desk = Desk()
    # Sent a weekend ago: its claim.create may wait on its own topic as long.
    sent = replace(delivery("claim.decide"), published_at=NOW - timedelta(days=2))
    await desk.decide(sent, decision(CLAIM, decided_at=NOW - timedelta(days=2)))
    assert await desk.orphans() == 0
    desk.clock.move(WAITED_FOR + timedelta(seconds=1))
    assert await desk.orphans() == 1
    assert await desk.orphans() == 0
    assert list(desk.claims.outcomes.values()) == ["refused:claim-unknown"]
    assert [event.payload for _, event in desk.claims.events] == [b"command.rejected"]


@pytest.mark.parametrize(
    "changes",
    [{"operation_type": "DELETE_ENTRY"}, {"participant": "87654321"}],
)
async def test_proof_of_something_else_is_none_of_ours(changes: dict[str, str]) -> None:
    desk = Desk()
    await desk.proof(uuid4(), proven() | changes)
    assert (desk.claims.proofs, desk.process.woken) == ({}, [])


async def test_proof_is_kept_and_a_broken_one_buried() -> None:
    desk, event = Desk(), uuid4()
    for _ in range(2):
        await desk.proof(event, proven())
    assert list(desk.claims.proofs.values()) == [(CLAIM, NOW)]
    with pytest.raises(Undeliverable):
        await desk.proof(event, proven() | {"operation_id": "the claim of João"})


def proven() -> dict[str, object]:
    """A good `otp.validated`."""
    return {
        "otp_id": str(UUID(int=9)),
        "operation_type": "CLAIM",
        "operation_id": str(CLAIM),
        "participant": "12345678",
        "validated_at": NOW,
    }


def asked(**changes: object) -> dict[str, object]:
    """A good `operator.request`."""
    return {
        "verb": "CLAIM_CANCEL",
        "target": str(CLAIM),
        "reason": "ticket 7",
        "cancel_reason": "FRAUD",
        "dry_run": False,
        "token": "good",
    } | changes


def running(desk: Desk, status: str = "OPEN") -> None:
    """A claim that DICT shows in that status."""
    desk.claims.add(first_row(CLAIM))
    key = (CLAIM, "CLAIMER")
    desk.claims.rows[key] = replace(desk.claims.rows[key], shown=shown(status))


async def test_order_is_checked_told_and_handed_over_once() -> None:
    desk, came = Desk(), delivery("operator.request")
    running(desk)
    desk.process.away = 1
    with pytest.raises(Unavailable):
        await desk.operator(came, asked())
    for _ in range(2):
        await desk.operator(came, asked())
    ((claim_id, order),) = desk.process.orders
    assert (claim_id, order.verb, order.cancel_reason) == (CLAIM, "CLAIM_CANCEL", "FRAUD")
    assert [event.payload for _, event in desk.claims.events] == [b"operator.acted"]


async def test_order_that_was_taken_is_handed_over_though_its_key_is_gone() -> None:
    desk, came = Desk(), delivery("operator.request")
    running(desk)
    desk.process.away = 1
    with pytest.raises(Unavailable):
        await desk.operator(came, asked())
    desk.key_gone = True
    await desk.operator(came, asked())
    assert len(desk.process.orders) == 1
    assert await desk.claims.seen(came.key) is Seen.SETTLED


@pytest.mark.parametrize("verb", ["CLAIM_RESUME", "CLAIM_CANCEL"])
async def test_order_to_a_lost_workflow_starts_it_anew(verb: str) -> None:
    desk = Desk()
    running(desk)
    desk.process.lost = True
    await desk.operator(delivery("operator.request"), asked(verb=verb))
    (restarted,) = desk.process.restarted
    assert (restarted.claim_id, restarted.resumed) == (CLAIM, True)
    assert [order.verb for _, order in desk.process.orders] == [verb]


async def test_dry_run_is_told_and_changes_nothing() -> None:
    desk = Desk()
    running(desk)
    await desk.operator(delivery("operator.request"), asked(dry_run=True))
    assert desk.process.orders == []
    assert len(desk.claims.events) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"token": "junk"}, "token-invalid"),
        ({"verb": "UNKNOWN"}, "value-unknown"),
        ({"reason": ""}, "field-missing"),
        ({"reason": "x" * 201}, "field-too-long"),
        ({"reason": "João called from +5561988880000"}, "reason-holds-personal-data"),
        ({"cancel_reason": "DEFAULT"}, "reason-not-allowed"),
        ({"target": "the claim"}, "id-invalid"),
        ({"token": "of-João"}, "token-invalid"),
        ({"token": "personal"}, "field-invalid"),
    ],
)
async def test_bad_order_is_refused_by_name(changes: dict[str, object], reason: str) -> None:
    desk = Desk()
    running(desk)
    with pytest.raises(InputRefused) as refused:
        await desk.operator(delivery("operator.request"), asked(**changes))
    assert refused.value.reason_code == reason
    assert (desk.process.orders, desk.claims.events) == ([], [])


@pytest.mark.parametrize(
    "changes",
    [
        {"verb": "CLAIM_RESUME"},
        {"target": str(uuid4())},
        {"reason": "ticket 8"},
        {"cancel_reason": None},
        {"dry_run": True},
        {},
    ],
)
async def test_token_cut_out_of_one_order_opens_no_other(changes: dict[str, object]) -> None:
    """Who reads and writes the topic has the sealed token, and may paste it."""
    desk, seen = Desk(), delivery("operator.request")
    running(desk)
    stolen = bound_token("good", seen.key.command_id, asked())
    forged = asked(**changes, token=stolen)
    came = delivery("operator.request", UUID(str(forged["target"])))
    if changes:
        came = replace(came, key=seen.key)
    with pytest.raises(InputRefused, match="token-invalid"):
        await desk.handle(came, forged)
    with pytest.raises(InputRefused, match="token-invalid"):
        await desk.handle(came, asked(**changes, token="good"))
    assert (desk.process.orders, desk.claims.events) == ([], [])


async def test_order_about_no_claim_or_one_that_is_over() -> None:
    desk = Desk()
    with pytest.raises(InputRefused, match="claim-unknown"):
        await desk.operator(delivery("operator.request"), asked())
    running(desk)
    kept = await desk.claims.load(CLAIM)
    over = replace(kept, row=replace(kept.row, status="COMPLETED"))
    for verb in ("CLAIM_RESUME", "CLAIM_CANCEL"):
        with pytest.raises(InputRefused, match="claim-already-resolved"):
            check_act(verb, "FRAUD", over)
    fresh = replace(kept, row=replace(kept.row, shown=None))
    check_act("CLAIM_RESUME", None, fresh)
    with pytest.raises(InputRefused, match="claim-not-open"):
        check_act("CLAIM_CANCEL", "FRAUD", fresh)


@pytest.mark.parametrize(
    ("status", "reason", "refused"),
    [
        ("OPEN", None, None),
        ("OPEN", "DEFAULT_OPERATION", "reason-not-allowed"),
        ("CONFIRMED", None, "reason-not-allowed"),
        ("CONFIRMED", "FRAUD", None),
    ],
)
async def test_dry_run_of_a_decision_says_what_would_be_told(
    status: str, reason: str | None, refused: str | None
) -> None:
    desk = Desk()
    running(desk, status)
    kept = await desk.claims.load(CLAIM)
    if refused is None:
        check_decision("REFUSE", reason, NOW, kept, Calendar(86_400))
        return
    with pytest.raises(InputRefused, match=refused):
        check_decision("REFUSE", reason, NOW, kept, Calendar(86_400))


class Reader:
    """ClaimReader with one row; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def find(self, claim_id: UUID) -> list[dict[str, object]]:
        """The row."""
        self.asked += 1
        row = {"claim_id": CLAIM, "status": "RUNNING", "dict_status": "OPEN", "version": 2}
        return [row] if claim_id == CLAIM else []


async def test_status_comes_from_the_cache_while_there_is_one() -> None:
    cache, reader = InMemoryCache(FixedClock()), Reader()
    status = ClaimStatus(cache, reader)  # type: ignore[arg-type]
    for _ in range(3):
        row = await status(CLAIM)
        assert row is not None
        assert row["status"] == "RUNNING"
    assert reader.asked == 1
    cache.flush()
    assert await status(CLAIM) == row
    cache.away = True
    assert await status(CLAIM) == row
    assert reader.asked == 3
    assert await status(uuid4()) is None


async def test_change_is_remembered_for_whoever_asks_next() -> None:
    cache = InMemoryCache(FixedClock())
    by = ProcessRef("CreateClaimWorkflow", f"claim-{CLAIM}", str(uuid4()))
    done = Transition(process_input(CLAIM), by, 1, NOW, "CANCELLED", None, None, None, [])
    row = ClaimRow(4, "CANCELLED", shown("CANCELLED"), None)
    await RememberStatus(cache)(done, Recorded(row, stale=False))
    seen = await ClaimStatus(cache, Reader())(CLAIM)  # type: ignore[arg-type]
    assert seen is not None
    assert (seen["status"], seen["version"]) == ("CANCELLED", 4)
    assert await cache.get(claim_key(CLAIM)) is not None


def test_timeline_puts_everything_into_one_order() -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    event = {
        "occurred_at": NOW + timedelta(seconds=2),
        "aggregate_sequence": 1,
        "event_subtype": "claim.created",
        "event_type": "STARTED",
        "event_payload": {"dict_status": "OPEN"},
        "traceparent": parent,
    }
    call = {
        "created_at": NOW,
        "operation_type": "CreateClaim",
        "status": "SUCCESS",
        "error_code": None,
        "response_status_code": 200,
        "attempt_count": 3,
        "unknown_since": NOW,
        "request_id": "claim-x:CreateClaim:1",
    }
    span = {
        "start": NOW + timedelta(seconds=1),
        "name": "RunActivity",
        "service": "worker",
        "milliseconds": 7,
        "trace": "a" * 32,
    }
    rows = timeline([event], [call], [span])
    assert [row["kind"] for row in rows] == ["bridge", "span", "event"]
    assert "3 attempts" in rows[0]["told"]
    assert "never answered" in rows[0]["told"]
    assert trace_ids([event, {**event, "traceparent": "junk"}]) == {"a" * 32}
