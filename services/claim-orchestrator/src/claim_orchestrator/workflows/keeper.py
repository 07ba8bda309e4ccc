"""One claim under the hand of one execution: what is known of it, and everything that is written.

The claim's workflow, a resolution that was started alone, the monitor and the dead-man switch all
work through here, so that there is one way to do each thing.
"""

import contextlib
from datetime import datetime, timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from claim_orchestrator.application.claim_mail import MAIL_MAX, Mail, StoredDecision
    from claim_orchestrator.application.claim_news import is_news
    from claim_orchestrator.application.claim_process import (
        AWAIT_DECISIONS,
        CLAIM_DECISION_SIGNAL,
        CLAIM_OPERATOR_SIGNAL,
        GET_CLAIM_GRPC,
        LOAD_CLAIM,
        READ_MAIL,
    )
    from claim_orchestrator.application.claim_records import (
        Barrier,
        ClaimProcessInput,
        ClaimRef,
        ClaimRow,
        DeadlineNotice,
        DecidedNotice,
        DecisionVerdict,
        KnownClaim,
        LoadedClaim,
        SettledIntent,
        Snapshot,
    )
    from claim_orchestrator.application.claim_view import view_of
    from claim_orchestrator.domain.claim import ClaimType, DictStatus, WorkflowStatus
    from claim_orchestrator.domain.course import Cause, Kind, View, next_move
    from claim_orchestrator.domain.deadlines import Calendar
    from claim_orchestrator.domain.decisions import Decision, Verdict, judge
    from claim_orchestrator.domain.events import ClaimDeadlineApproaching, ClaimDecided
    from claim_orchestrator.domain.reasons import may_cancel, wishes
    from claim_orchestrator.domain.transitions import known_status
    from claim_orchestrator.workflows.arrival import arrival
    from claim_orchestrator.workflows.journal import (
        SIGNAL_RECEIVED,
        TIMER_FIRED,
        UPDATE_REFUSED,
        Entry,
        Journal,
        event,
        step,
        unchanged,
    )
    from claim_orchestrator.workflows.judgement import judgement, overruled, overruling
    from claim_orchestrator.workflows.steps import (
        BridgeCalls,
        Decided,
        do,
    )
    from claim_orchestrator.workflows.telling import tell_users

CLAIM_DEADLINE = "claim-deadline"
_LOOK_AGAIN = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=1.5,
    maximum_interval=timedelta(seconds=5),
)


class ClaimKeeper:
    """Everything that an execution knows and does about one claim."""

    def __init__(self, process: ClaimProcessInput, row: ClaimRow, *, findable: bool) -> None:
        self.process = process
        self.journal = Journal(process, row, arrival, findable)
        self.calls = BridgeCalls(process, row.version)
        self.calendar = Calendar(process.day_seconds)
        self.proven_at: datetime | None = None
        self.verdicts: dict[UUID, str] = {}
        self.mail_begun = self.mail_read = 0  # looks into the mail: begun, and done

    @classmethod
    async def load(cls, claim_id: UUID) -> "ClaimKeeper":
        """For an execution that was started alone."""
        loaded = await do(LOAD_CLAIM, ClaimRef(claim_id, alone=True), LoadedClaim)
        return cls(loaded.process, loaded.row, findable=False)

    @property
    def row(self) -> ClaimRow:
        """The row as it was last seen."""
        return self.journal.row

    @property
    def ended(self) -> bool:
        """True once somebody has written the claim's end."""
        return self.row.status != WorkflowStatus.RUNNING

    @property
    def shown(self) -> Snapshot:
        """DICT's state. Only for a claim that DICT knows."""
        assert self.row.shown is not None
        return self.row.shown

    def deadline(self) -> datetime | None:
        """The claimer's outer limit by the dates that DICT gave."""
        shown = self.row.shown
        return self.calendar.claimer_deadline(shown.resolution_period_end if shown else None)

    def view(self) -> View:
        """What the rules look at. Only for a claim that DICT knows."""
        return view_of(
            self.process.type,
            self.row,
            self.calendar,
            self.proven_at,
            possession_required=self.process.possession_required,
        )

    async def reload(self) -> None:
        """The row anew, after another execution has written."""
        known = self.row.shown
        loaded = await do(LOAD_CLAIM, ClaimRef(self.process.claim_id), LoadedClaim)
        self.process = self.journal.take_over(loaded)
        await self.journal.recall(known)

    async def reread(self) -> None:
        """Asks DICT where the claim is; a refused look leaves it where it was."""
        seen = await self._look()
        if seen is not None:
            await self.arrive(seen)

    async def read_anew(self) -> None:
        """DICT and the row: one from a restored backup is older than what we remember."""
        seen = await self._look() or self.shown
        await self.reload()
        await self.arrive(seen)

    async def arrive(self, shown: Snapshot) -> None:
        """Records what DICT shows, if it is news; whoever writes the end does what follows it."""
        if shown.status == DictStatus.COMPLETED and self.row.complete_request_id is None:
            await self.reload()  # a resolution may have made the RequestId since we looked

        def build(row: ClaimRow) -> Entry | None:
            if row.status != WorkflowStatus.RUNNING or not is_news(row.shown, shown):
                return None
            return arrival(row, shown)

        if await self.journal.write(build) and self.ended:
            await tell_users(self.journal)

    async def read_mail(self, *, resolving: bool) -> None:
        """Judges the decisions that were stored, oldest first, and learns of proofs.

        Another execution may judge them too: where it wrote since we read, they are read anew.
        """
        self.mail_begun += 1
        begun, judged = self.mail_begun, False
        while not judged:
            mail = await do(READ_MAIL, ClaimRef(self.process.claim_id), Mail)
            self.proven_at = mail.proven_at or self.proven_at
            judged = len(mail.decisions) < MAIL_MAX  # more may wait behind a full look
            for decision in mail.decisions:
                if not await self._judge(decision, resolving=resolving):
                    judged = False
                    break
        self.mail_read = begun

    async def learn_of_proofs(self) -> None:
        """The newest proof, and no judgement of decisions."""
        mail = await do(READ_MAIL, ClaimRef(self.process.claim_id), Mail)
        self.proven_at = mail.proven_at or self.proven_at

    async def settle_on_default(self, reason: str, deadline: datetime) -> None:
        """Nobody has decided: settles on the default before DICT is asked for it."""
        notice = DecidedNotice(Decision.REFUSE, reason, deadline, None)

        def build(row: ClaimRow) -> Entry | None:
            if row.status != WorkflowStatus.RUNNING or row.intent is not None:
                return None
            decided = event(ClaimDecided.NAME, decided=notice)
            return unchanged(row, intent=SettledIntent(Cause.DEADLINE, reason), events=(decided,))

        await self.journal.write(build)

    async def settle_for_operator(self, reason: str) -> bool:
        """An operator cancels, whatever was settled before; False where DICT takes no such."""

        def build(row: ClaimRow) -> Entry | None:
            status = known_status(row.shown.status) if row.shown else None
            type_ = ClaimType(self.process.type)
            if row.status != WorkflowStatus.RUNNING or status is None:
                return None
            if reason not in wishes(type_, status):
                return None
            ordered = step(SIGNAL_RECEIVED, CLAIM_OPERATOR_SIGNAL, reason)
            return unchanged(row, intent=overruling(row.intent, reason), steps=(ordered,))

        return await self.journal.write(build)

    async def drop_intent(self) -> None:
        """DICT does not take the cancellation any more: its sender learns of it. What an operator
        overruled stands again where DICT takes that."""

        def build(row: ClaimRow) -> Entry | None:
            if row.status != WorkflowStatus.RUNNING or row.intent is None:
                return None
            before, seen = overruled(row.intent), self.view()
            if before is not None and may_cancel(seen.type, seen.status, before.reason):
                moved = step(UPDATE_REFUSED, CLAIM_OPERATOR_SIGNAL, "claim-moved-on")
                return unchanged(row, intent=before, steps=(moved,))
            id_ = row.intent.decision_id
            late = f"DICT shows {self.shown.status} and takes {row.intent.reason} no more"
            verdicts = () if id_ is None else (DecisionVerdict(id_, "claim-moved-on", late),)
            refused = step(UPDATE_REFUSED, CLAIM_DECISION_SIGNAL, "claim-moved-on")
            return unchanged(row, intent=None, steps=(refused,), verdicts=verdicts)

        await self.journal.write(build)

    async def hold(self, refused: Decided) -> None:
        """Keeps the error with the row: neither repeating nor giving up is right."""

        def build(row: ClaimRow) -> Entry | None:
            if row.status != WorkflowStatus.RUNNING:
                return None
            return unchanged(row, error_type=refused.problem_type)

        await self.journal.write(build)

    async def announce(self, deadline: datetime, margin: timedelta) -> None:
        """Tells that a deadline is near, and what will be done at it."""
        confirmed = self.view().status is DictStatus.CONFIRMED
        never = confirmed and self.process.type == ClaimType.PORTABILITY
        notice = DeadlineNotice(
            deadline, "NONE" if never else "CANCEL", round(margin.total_seconds())
        )

        def build(row: ClaimRow) -> Entry | None:
            if row.status != WorkflowStatus.RUNNING:
                return None
            return unchanged(row, events=(event(ClaimDeadlineApproaching.NAME, deadline=notice),))

        await self.journal.write(build)

    async def pass_deadline(self, deadline: datetime) -> None:
        """The deadline has come: decisions made in time first, then DICT, then the default."""
        grace = timedelta(seconds=self.process.decision_grace_seconds)
        # From when the waiting begins: after an outage longer than the grace, decisions that were
        # sent in time are still at the broker.
        give_up_at = max(deadline, workflow.now()) + grace
        passed = await do(AWAIT_DECISIONS, Barrier(deadline, give_up_at), str, _LOOK_AGAIN)
        self.journal.note(TIMER_FIRED, CLAIM_DEADLINE, passed)
        await self.reread()
        if self.ended:
            return
        await self.read_mail(resolving=False)
        move = next_move(self.view(), workflow.now())
        if move.kind is Kind.EXPIRE:
            await self.settle_on_default(move.reason, deadline)

    async def _look(self) -> Snapshot | None:
        known = KnownClaim(self.calls.step("GetClaim"), self.shown.dict_claim_id)
        with contextlib.suppress(ActivityError):
            return await do(GET_CLAIM_GRPC, known, Snapshot)
        return None

    async def _judge(self, decision: StoredDecision, *, resolving: bool) -> bool:
        """False, and nothing written, when the row has changed since the decision was read."""
        verdict, known = Verdict(), self.row.version

        def build(row: ClaimRow) -> Entry | None:
            nonlocal verdict
            if row.version != known:
                return None
            verdict = self._verdict(row, decision, resolving=resolving)
            return judgement(row, decision, verdict)

        if not await self.journal.write(build):
            return False
        outcome = "accepted" if verdict.refused is None else f"refused:{verdict.refused}"
        self.verdicts[decision.ce_id] = outcome
        return True

    def _verdict(self, row: ClaimRow, decision: StoredDecision, *, resolving: bool) -> Verdict:
        if row.status != WorkflowStatus.RUNNING or row.shown is None:
            return Verdict("claim-already-resolved", f"the claim is {row.status}")
        return judge(
            decision.decision,
            decision.reason,
            decision.effective_at,
            self.view(),
            resolving=resolving,
        )
