"""CreateClaimWorkflow: one claim in the role of claimer, from DICT's OPEN to its end."""

import asyncio
import contextlib
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from claim_orchestrator.application.claim_mail import (
        DecisionAnswer,
        DecisionToStore,
        GivenDecision,
    )
    from claim_orchestrator.application.claim_process import (
        CLAIM_DECISION_SIGNAL,
        CLAIM_DECISION_UPDATE,
        CLAIM_MAIL_SIGNAL,
        CLAIM_OPERATOR_SIGNAL,
        CLAIM_STATUS_SIGNAL,
        CREATE_CLAIM_WORKFLOW,
        EXPIRE_COMPLETION_PERIOD_WORKFLOW,
        MONITOR_STATUS_WORKFLOW,
        STATUS_QUERY,
        STORE_DECISION,
        expire_id,
        monitor_id,
    )
    from claim_orchestrator.application.claim_records import (
        ClaimProcessInput,
        ClaimRow,
        LoadedClaim,
        OperatorOrder,
        Snapshot,
    )
    from claim_orchestrator.domain.claim import WorkflowStatus
    from claim_orchestrator.domain.course import Kind, Move, next_move
    from claim_orchestrator.domain.deadlines import next_margin
    from claim_orchestrator.domain.decisions import Decision
    from claim_orchestrator.domain.transitions import CLAIMER
    from claim_orchestrator.workflows.children import Child, begun, resolving, stopped, unheard
    from claim_orchestrator.workflows.expire_completion_period import ExpireInput
    from claim_orchestrator.workflows.journal import SIGNAL_RECEIVED, UPDATE_REFUSED
    from claim_orchestrator.workflows.judgement import decision_id
    from claim_orchestrator.workflows.keeper import ClaimKeeper
    from claim_orchestrator.workflows.monitor_status import MonitorInput
    from claim_orchestrator.workflows.opening import Opening
    from claim_orchestrator.workflows.steps import LATER, do

BY_SIGNAL = "temporal-signal"


@workflow.defn(name=CREATE_CLAIM_WORKFLOW)
class CreateClaimWorkflow:
    """Ends when DICT's status is terminal, or when DICT refused to open the claim."""

    @workflow.init
    def __init__(self, process: ClaimProcessInput) -> None:
        row = ClaimRow(0, WorkflowStatus.RUNNING, None, None)
        self._keeper = ClaimKeeper(process, row, findable=True)
        self._news = False
        self._orders: list[OperatorOrder] = []
        self._mail = False
        self._announced = workflow.now()
        self._failures = 0
        self._held_until: datetime | None = None

    @workflow.signal(name=CLAIM_STATUS_SIGNAL)
    def on_status(self, shown: Snapshot | None = None) -> None:
        """From the monitor: DICT shows something else. A wake-up only: DICT itself is asked."""
        told = shown.status if shown is not None and shown.status in CLAIMER else "look"
        self._keeper.journal.note(SIGNAL_RECEIVED, CLAIM_STATUS_SIGNAL, told)
        self._news = True

    @workflow.signal(name=CLAIM_MAIL_SIGNAL)
    def on_mail(self) -> None:
        """From the consumer: a decision or a proof was stored."""
        self._mail = True

    @workflow.signal(name=CLAIM_OPERATOR_SIGNAL)
    def on_order(self, order: OperatorOrder | None = None) -> None:
        """From the consumer: an operator resumes or cancels."""
        if order is not None:
            self._orders.append(order)

    @workflow.signal(name=CLAIM_DECISION_SIGNAL)
    async def on_decision_signal(self, confirmed: bool | None = None) -> None:
        """The seeds' door: `temporal workflow signal --name claim-decision --input true`."""
        if not isinstance(confirmed, bool):
            self._keeper.journal.note(UPDATE_REFUSED, CLAIM_DECISION_SIGNAL, "value-unknown")
            return
        decision = Decision.ACCEPT if confirmed else Decision.REFUSE
        given = GivenDecision(decision, BY_SIGNAL)
        with contextlib.suppress(ActivityError):  # stored or refused: nobody waits for the answer
            await self._store(
                DecisionToStore(
                    self._keeper.process.claim_id, workflow.uuid7(), given, workflow.now()
                )
            )

    @workflow.update(name=CLAIM_DECISION_UPDATE)
    async def on_decision_update(self, given: GivenDecision) -> DecisionAnswer:
        """For callers who want the answer; the update's id is the decision's."""
        info = workflow.current_update_info()
        assert info is not None
        ce_id = decision_id(info.id, self._keeper.process.claim_id)
        wanted = DecisionToStore(self._keeper.process.claim_id, ce_id, given, workflow.now())
        answer = await self._store(wanted)
        if answer.outcome is not None:
            return answer
        begun = self._keeper.mail_begun  # a look from before may not have seen it
        await workflow.wait_condition(lambda: self._keeper.mail_read > begun)
        outcome = self._keeper.verdicts.get(answer.ce_id)
        if outcome is not None:
            return DecisionAnswer(answer.ce_id, outcome)
        # The dead-man switch has judged it: the store knows.
        return await do(STORE_DECISION, wanted, DecisionAnswer)

    @on_decision_update.validator
    def _may_decide(self, given: GivenDecision) -> None:
        if self._keeper.ended:
            raise ApplicationError(f"the claim is {self._keeper.row.status}", type="ClaimClosed")
        if given.decision not in set(Decision):
            raise ApplicationError("decision must be ACCEPT or REFUSE", type="DecisionUnknown")

    @workflow.query(name=STATUS_QUERY)
    def status(self) -> ClaimRow:
        """For operators: the row as this execution last saw it."""
        return self._keeper.row

    @workflow.run
    async def run(self, _process: ClaimProcessInput) -> str:
        """The claim's final workflow status."""
        if await Opening(self._keeper, self._orders).open():
            # Decisions may have come before the claim.
            self._mail = self._mail or self._keeper.journal.mail
            await self._live()
        await self._close()
        return self._keeper.row.status

    async def _live(self) -> None:
        children = await asyncio.gather(self._monitor(), self._switch())
        follows = None if children[0] else asyncio.create_task(self._monitor_later())
        while not self._keeper.ended:
            if self._mail or self._news:
                await self._take_in(resolving=False)
                continue
            if self._orders:
                await self._obey(self._orders.pop(0))
                continue
            move = next_move(self._keeper.view(), workflow.now())
            match move.kind:
                case Kind.WAIT:
                    await self._pause(move.until)
                case Kind.EXPIRE:
                    deadline = self._keeper.deadline()
                    assert deadline is not None
                    await self._keeper.pass_deadline(deadline)
                    self._let_go()
                case Kind.DROP_INTENT:
                    await self._keeper.drop_intent()
                    self._let_go()
                case Kind.COMPLETE | Kind.CANCEL:
                    await self._resolve(move)
        if follows is not None:
            follows.cancel()  # a monitor that it has begun is cancelled with us
        for child in children:
            await stopped(child)

    async def _close(self) -> None:
        """Nobody is left without an answer: what came too late is refused before the end."""
        while True:
            self._mail = False
            await self._keeper.read_mail(resolving=False)
            while self._orders:
                await self._refuse(self._orders.pop(0))
            if workflow.all_handlers_finished() and not self._mail:
                break
            await workflow.wait_condition(
                lambda: self._mail or bool(self._orders) or workflow.all_handlers_finished()
            )

    async def _pause(self, until: datetime | None, child: Child | None = None) -> None:
        """Until there is something to take in, or that instant; deadlines are announced.

        Beside a resolution: until its end, and an operator's order waits for that.
        """
        now, deadline = workflow.now(), self._keeper.deadline()
        other = child.done if child is not None else lambda: bool(self._orders)
        margins = [timedelta(seconds=it) for it in self._keeper.process.deadline_margins_seconds]
        margin = None
        if deadline is not None and now < deadline:
            margin = next_margin(deadline, margins, self._announced, now)
        instants = [] if until is None else [until]
        if deadline is not None and now < deadline:
            instants.append(deadline)  # whatever else is waited for
        if deadline is not None and margin is not None:
            instants.append(deadline - margin)
        timeout = None if not instants else max(min(instants) - now, timedelta(0))
        if timeout is None or timeout > timedelta(0):
            with contextlib.suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda: self._mail or self._news or other(),
                    timeout=timeout,
                )
        if deadline is not None and margin is not None and workflow.now() >= deadline - margin:
            self._announced = workflow.now()
            await self._keeper.announce(deadline, margin)

    async def _take_in(self, *, resolving: bool) -> None:
        """News of DICT first: decisions are judged by what is known then."""
        before = (self._keeper.row.shown, self._keeper.row.intent)
        if self._news:
            self._news = False
            await self._keeper.reread()
        if self._mail:
            self._mail = False
            await self._keeper.read_mail(resolving=resolving)
        if before != (self._keeper.row.shown, self._keeper.row.intent):
            self._let_go()

    def _let_go(self) -> None:
        """The claim moved: what held it, and how often, is past."""
        self._held_until, self._failures = None, 0

    async def _obey(self, order: OperatorOrder) -> None:
        """An operator's order: its consumer has checked it, the rules see what is known now."""
        if order.cancel_reason is None:
            self._keeper.journal.note(SIGNAL_RECEIVED, CLAIM_OPERATOR_SIGNAL, order.verb)
            await self._keeper.read_anew()
        elif not await self._keeper.settle_for_operator(order.cancel_reason):
            await self._refuse(order)
            return
        self._let_go()
        await self._keeper.journal.flush()

    async def _refuse(self, order: OperatorOrder) -> None:
        self._keeper.journal.note(UPDATE_REFUSED, CLAIM_OPERATOR_SIGNAL, order.verb)
        await self._keeper.journal.flush()

    async def _resolve(self, move: Move) -> None:
        """Completes or cancels by a workflow of its own: one id, so one at a time, whoever asks."""
        now = workflow.now()
        if self._held_until is not None and now < self._held_until:
            await self._pause(self._held_until)
            return
        completes = move.kind is Kind.COMPLETE
        child = await resolving(self._keeper.process.claim_id, completes=completes)
        if child is None:  # an operator's or the dead-man switch's: DICT will tell
            await self._leave_alone()
            return
        while not child.done():
            if self._mail or self._news:
                await self._take_in(resolving=completes)
            await self._pause(None, child)
        try:
            await child
        except ChildWorkflowError:
            await self._leave_alone()
        else:
            await self._keeper.reload()

    async def _leave_alone(self) -> None:
        """The resolution did not end the claim: look where it is, and try again later."""
        self._failures += 1
        self._held_until = workflow.now() + self._keeper.calendar.again_after(self._failures)
        await self._keeper.read_anew()

    async def _store(self, wanted: DecisionToStore) -> DecisionAnswer:
        """Stored first, whichever door it came through."""
        answer = await do(STORE_DECISION, wanted, DecisionAnswer)
        self._mail = True
        return answer

    async def _monitor_later(self) -> None:
        """Another's monitor may be on its way out, as after a reset: then ours follows it."""
        begun_now = None
        while begun_now is None:
            await workflow.sleep(self._keeper.calendar.poll_interval())
            begun_now = await self._monitor()
        begun_now.add_done_callback(unheard)

    async def _monitor(self) -> Child | None:
        keeper = self._keeper
        opened = None if keeper.process.resumed else LoadedClaim(keeper.process, keeper.row)
        given = MonitorInput(keeper.process.claim_id, opened)
        id_ = monitor_id(self._keeper.process.claim_id)
        policy = ParentClosePolicy.REQUEST_CANCEL
        return await begun(MONITOR_STATUS_WORKFLOW, given, id_, policy, LATER)

    async def _switch(self) -> Child | None:
        """The dead-man switch outlives us: it acts should we be gone at the deadline."""
        deadline = self._keeper.deadline()
        look_at = None if deadline is None else self._keeper.calendar.switch_at(deadline)
        given = ExpireInput(self._keeper.process.claim_id, look_at)
        id_ = expire_id(self._keeper.process.claim_id)
        return await begun(EXPIRE_COMPLETION_PERIOD_WORKFLOW, given, id_, ParentClosePolicy.ABANDON)
