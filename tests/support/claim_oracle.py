"""Judges a life that was played: Bacen's tables and dates, and what the design promises.

Shares no rule code with the services: tables come from the simulator, dates from what DICT holds.
Each check yields what is wrong, in words.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from uuid import UUID

from bridge_simulator.claim_tables import CANCEL_REASONS, When
from bridge_simulator.records import Claim
from claim_orchestrator.application.claim_process import CLAIM_OPERATOR_SIGNAL
from claim_orchestrator.application.claim_records import ClaimRow
from claim_orchestrator.application.ports import NewDecision
from dict_common.kernel.ids import rejection_id
from dict_common.ports.outgoing import OutgoingEvent
from tests.support.claim_player import Life
from tests.support.claim_simulation import CLAIM, DECIDE_CONSUMER
from tests.support.ruled_directory import Effect

Wrongs = Iterator[str]

TERMINAL = ("claim.completed", "claim.cancelled", "claim.failed")
AHEAD_MAX, BEHIND_MAX = timedelta(seconds=2), timedelta(minutes=15)
DAY_30 = timedelta(days=30)
GRACE = timedelta(hours=1)
CATCH_UP = timedelta(seconds=60)
HELD_MAX = timedelta(hours=6)
POLL_MAX = timedelta(hours=6)
HOW_IT_ENDED = {
    "none": (("FAILED", "ERROR"),),
    "COMPLETED None": (("COMPLETED", "APPROVED"),),
    "CANCELLED DONOR": (("CANCELLED", "REJECTED"),),
    "CANCELLED CLAIMER": (("CANCELLED", "CANCELLED"), ("CANCELLED", "TIMEOUT")),
}
SLACK = timedelta(minutes=5)
"""Looks at the broker, retries' intervals, slow attempts."""


@dataclass
class Ended:
    """A life after its end, as the checks look at it."""

    life: Life

    @property
    def row(self) -> ClaimRow:
        """Our row."""
        return self.life.stage.row

    @cached_property
    def claim(self) -> Claim | None:
        """DICT's claim that our row holds."""
        shown = self.row.shown
        return None if shown is None else self.life.stage.directory.claims[shown.dict_claim_id]

    @cached_property
    def events(self) -> list[OutgoingEvent]:
        """The claim's events in order; their sequence has no gap."""
        own = sorted(
            ((number, it) for number, it in self.life.stage.claims.events if it.key == str(CLAIM)),
            key=lambda item: item[0],
        )
        assert [number for number, _ in own] == list(range(1, len(own) + 1)), "a gap in sequences"
        return [event for _, event in own]

    @cached_property
    def names(self) -> list[str]:
        """Business events."""
        named = [event.payload.decode() for event in self.events]
        return [name for name in named if name != "workflow.step"]

    @cached_property
    def ended_at(self) -> datetime:
        """When we wrote the end."""
        return next(it.envelope.time for it in self.events if it.payload.decode() in TERMINAL)

    def effect(self, operation: str) -> Effect | None:
        """What changed DICT's claim by that operation of ours."""
        claim = self.claim
        return next(
            (
                it
                for it in self.life.stage.directory.effects
                if it.operation == operation and claim is not None and str(it.claim_id) == claim.id
            ),
            None,
        )

    @cached_property
    def deadline(self) -> datetime | None:
        """Day 30 of DICT's claim."""
        opened = None if self.claim is None else self.claim.creation_time
        return None if opened is None else opened + DAY_30

    @cached_property
    def rejections(self) -> Counter[str]:
        """`command.rejected` by the id of its aggregate."""
        events = self.life.stage.claims.events
        return Counter(it.key for _, it in events if it.payload == b"command.rejected")


def everything_is_over(ended: Ended) -> Wrongs:
    """No workflow is left, and the claim's own says how it ended."""
    for id_, execution in ended.life.stage.simulation.executions.items():
        if not execution.closed:
            yield f"{id_} still runs"
    own = ended.life.stage.execution
    if (own.closed, own.result) != ("COMPLETED", ended.row.status):
        yield f"the claim's workflow is {own.closed} with {own.result}, the row {ended.row.status}"
    if ended.row.status == "RUNNING":
        yield "the row still runs"


def one_end_in_order(ended: Ended) -> Wrongs:
    """One terminal event, nothing but the transfer behind it, forward states each once."""
    ends = [name for name in ended.names if name in TERMINAL]
    if len(ends) != 1:
        yield f"ends: {ends}"
        return
    after = ended.names[ended.names.index(ends[0]) + 1 :]
    if after != (["entry.transferred"] if ends[0] == "claim.completed" else []):
        yield f"after {ends[0]} came {after}"
    order = ["claim.created", "claim.acknowledged", "claim.confirmed", ends[0]]
    forward = [name for name in ended.names if name in order]
    if forward != [name for name in order if name in forward]:
        yield f"states out of order or twice: {forward}"
    if (ended.names[0] == "claim.created") is (ends[0] == "claim.failed"):
        yield f"DICT's claims are told as created first, and no others: {ended.names}"


def row_is_dicts_claim(ended: Ended) -> Wrongs:
    """The table "how it ended", read from DICT's side; no other claim of ours is open there."""
    row, claim = ended.row, ended.claim
    seen = "none" if claim is None else f"{claim.status} {claim.cancelled_by}"
    if (row.status, row.resolution_type) not in HOW_IT_ENDED.get(seen, ()):
        yield f"DICT: {seen}; the row: {row.status} {row.resolution_type}"
    if claim is None and ended.names[-1:] != ["claim.failed"]:
        yield f"DICT has no claim of ours and we told {ended.names}"
    for other in ended.life.stage.directory.claims.values():
        gone = other.status == "CANCELLED" and other.cancelled_by == "DONOR"
        if (claim is None or other.id != claim.id) and not gone:
            yield f"DICT has another claim of ours, {other.status}, that nobody watches"
    if row.shown is not None and claim is not None and row.shown.status != claim.status:
        yield f"the row shows {row.shown.status}, DICT {claim.status}"


def each_effect_once(ended: Ended) -> Wrongs:
    """A second createClaim only after the donor has ended what the first, unanswered one opened."""
    effects = ended.life.stage.directory.effects
    for operation in ("CompleteClaim", "CancelClaim"):
        if sum(it.operation == operation for it in effects) > 1:
            yield f"{operation} had its effect twice"
    opened = [it for it in effects if it.operation == "CreateClaim"]
    for first, second in pairwise(opened):
        before = ended.life.stage.directory.claims[first.claim_id]
        if before.last_modified > second.at or before.cancelled_by != "DONOR":
            yield "two claims were opened at DICT"
    claim, row = ended.claim, ended.row
    completed = claim is not None and claim.status == "COMPLETED"
    if completed and claim is not None and claim.request_id != str(row.complete_request_id):
        yield f"DICT has RequestId {claim.request_id}, the row {row.complete_request_id}"


def decisions_are_answered(ended: Ended) -> Wrongs:
    """Each has one outcome; each refused one exactly one rejection, which says so."""
    claims = ended.life.stage.claims
    expected: Counter[str] = Counter()
    for ce_id, decision in claims.decisions.items():
        outcome = claims.outcomes.get(ce_id)
        if outcome is None:
            yield f"decision {ce_id} was never answered"
        elif outcome != "accepted":
            expected[str(rejection_id("claim.decide", ce_id, decision.fingerprint))] += 1
    for consumer, ce_id, content in claims.inbox:
        if (claims.inbox[consumer, ce_id, content] or "").startswith("rejected:"):
            expected[str(rejection_id(DECIDE_CONSUMER, ce_id, content))] += 1
    if expected != ended.rejections:
        yield f"rejections {dict(ended.rejections)}, expected {dict(expected)}"
    for id_ in ended.life.updates:
        answer = ended.life.stage.execution.updates.get(id_)
        if isinstance(answer, dict) and answer["outcome"] is None:
            yield f"update {id_} was answered with nothing"
        if answer is None:
            yield f"update {id_} got no answer"


def decisions_count_from_their_instant(ended: Ended) -> Wrongs:
    """Nothing at or after the deadline is accepted; an accepted REFUSE ended in a cancellation."""
    claims = ended.life.stage.claims
    for sent in ended.life.sent:
        decision = claims.decisions.get(sent.ce_id)
        if decision is None or sent.taken is None:
            continue
        counts = sent.decided_at
        if counts > sent.taken + AHEAD_MAX:
            counts = sent.taken
        elif counts < sent.published_at - BEHIND_MAX:
            counts = sent.published_at
        if decision.effective_at != counts:
            yield f"decision {sent.ce_id} counts from {decision.effective_at}, not {counts}"
    for ce_id, decision in claims.decisions.items():
        accepted = claims.outcomes.get(ce_id) == "accepted"
        late = ended.deadline is not None and decision.effective_at >= ended.deadline
        if accepted and late:
            yield f"decision {ce_id} counts from day 30 or later and was accepted"
        if accepted and decision.decision == "REFUSE" and ended.row.status != "CANCELLED":
            yield f"REFUSE {ce_id} stands as accepted and the claim is {ended.row.status}"


def cancellation_has_its_cause(ended: Ended) -> Wrongs:
    """Ours by a decision, an operator or the deadline: never before it, or for nothing."""
    cancel, claims = ended.effect("CancelClaim"), ended.life.stage.claims
    if cancel is None or ended.claim is None or ended.deadline is None:
        return
    if ended.row.resolution_type == "TIMEOUT":
        if cancel.at < ended.deadline:
            yield f"default action at {cancel.at}, the deadline is {ended.deadline}"
        wanted = {"PORTABILITY": "USER_REQUESTED", "OWNERSHIP": "DEFAULT_OPERATION"}
        if ended.claim.cancel_reason != wanted[ended.claim.type]:
            yield f"default action for {ended.claim.cancel_reason}"
        if ended.claim.type == "PORTABILITY" and _confirmed_before(ended, cancel):
            yield "a CONFIRMED portability was cancelled by default"
        return
    decided = any(
        it.decision == "REFUSE" and claims.outcomes.get(ce_id) == "accepted"
        for ce_id, it in claims.decisions.items()
    )
    if not decided and not any(ended.life.ordered):
        yield "cancelled, and nobody wanted it"


def timely_refusal_beats_the_default(ended: Ended) -> Wrongs:
    """One that was stored in time, or waited at a broker that answered, is never timed out."""
    if ended.row.resolution_type != "TIMEOUT" or ended.deadline is None:
        return
    for ce_id, decision in ended.life.stage.claims.decisions.items():
        allowed = decision.decision == "REFUSE" and _always_allowed(ended, decision)
        timely = decision.effective_at < ended.deadline
        if allowed and timely and _was_at_hand(ended, ce_id, decision):
            yield f"timed out although REFUSE {ce_id} was there in time"


def end_comes_in_time(ended: Ended) -> Wrongs:
    """No claim outlives day 30 by more than the grace and what was out of order then."""
    if ended.deadline is None or len([it for it in ended.names if it in TERMINAL]) != 1:
        return
    life = ended.life
    last = max(ended.deadline, life.troubled_until)
    gone = any(since <= last + CATCH_UP and until >= ended.deadline for since, until in life.away)
    allowed = CATCH_UP + SLACK + (GRACE if gone else timedelta(0))
    allowed += HELD_MAX if life.held else timedelta(0)
    if ended.ended_at > last + allowed:
        yield f"ended at {ended.ended_at}; day 30 {ended.deadline}, troubled until {last}"


def ownership_is_proven(ended: Ended) -> Wrongs:
    """Completed after CompletionPeriodEnd, with a proof made after it that we had."""
    done, claim = ended.effect("CompleteClaim"), ended.claim
    if done is None or claim is None or claim.type != "OWNERSHIP":
        return
    opens = claim.completion_period_end
    if opens is None or done.at < opens:
        yield f"completed at {done.at}, the period ends {opens}"
    proven = [made for made, arrived in ended.life.proofs if arrived <= done.at]
    if opens is not None and not any(made >= opens for made in proven):
        yield f"completed without a proof made after {opens}"


def timely_proof_beats_the_default(ended: Ended) -> Wrongs:
    """Who proved possession in time, heard then or waiting at the broker, is not timed out."""
    claim, deadline = ended.claim, ended.deadline
    if ended.row.resolution_type != "TIMEOUT" or claim is None or deadline is None:
        return
    opens = claim.completion_period_end
    known = any(
        it.operation == "Donor:confirm" and it.at + POLL_MAX < deadline
        for it in ended.life.stage.directory.effects
    )
    if claim.type != "OWNERSHIP" or opens is None or not known:
        return
    for made, arrived in ended.life.proofs:
        if opens <= made < deadline and _was_there(ended, made, arrived):
            yield f"timed out although possession was proven at {made}"


def orders_are_answered(ended: Ended) -> Wrongs:
    """Each leaves one step, obeyed or refused; one that drops later has another."""
    told = [outcome for _, outcome in ended.life.stage.noted(CLAIM_OPERATOR_SIGNAL)]
    answers = [outcome for outcome in told if outcome != "claim-moved-on"]
    if len(answers) != ended.life.heard:
        yield f"{ended.life.heard} orders, answered by {answers}"


CHECKS: tuple[Callable[[Ended], Wrongs], ...] = (
    everything_is_over,
    one_end_in_order,
    row_is_dicts_claim,
    each_effect_once,
    decisions_are_answered,
    decisions_count_from_their_instant,
    cancellation_has_its_cause,
    timely_refusal_beats_the_default,
    end_comes_in_time,
    ownership_is_proven,
    timely_proof_beats_the_default,
    orders_are_answered,
)


def wrongs(life: Life) -> list[str]:
    """Everything that is wrong with a life; empty for a good one."""
    ended = Ended(life)
    return [f"{check.__name__}: {wrong}" for check in CHECKS for wrong in check(ended)]


def _confirmed_before(ended: Ended, cancel: Effect) -> bool:
    effects = ended.life.stage.directory.effects
    return any(it.operation == "Donor:confirm" and it.at <= cancel.at for it in effects)


def _always_allowed(ended: Ended, decision: NewDecision) -> bool:
    """In every status that a claim which is timed out may have had before day 30."""
    type_ = ended.life.plan.claim_type
    reason = decision.reason or "USER_REQUESTED"
    return all(
        CANCEL_REASONS[type_, status, "CLAIMER"].get(reason) is When.ALWAYS
        for status in ("OPEN", "WAITING_RESOLUTION")
    )


def _was_at_hand(ended: Ended, ce_id: UUID, decision: NewDecision) -> bool:
    assert ended.deadline is not None
    sent = next((it for it in ended.life.sent if it.ce_id == ce_id and it.taken), None)
    if sent is None or sent.taken is None:  # by another door: the workflow stores it at once
        stored_late = ended.life.troubles["mishap"] > 0
        return decision.published_at < ended.deadline and not stored_late
    return _was_there(ended, decision.published_at, sent.taken)


def _was_there(ended: Ended, published_at: datetime, taken: datetime) -> bool:
    """Whether a message was there at the deadline, taken or at a broker that answered."""
    assert ended.deadline is not None
    if taken <= ended.deadline:
        return True
    if published_at >= ended.deadline:
        return False
    away = [it for it in ended.life.away if it[1] >= ended.deadline and it[0] <= taken]
    return not away and taken < ended.deadline + CATCH_UP
