"""A claim in a simulation: all five workflows, the real use cases, the real consumer's path, and a
DICT with Bacen's rules behind them, on one virtual clock.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid5

import temporalio.activity

from claim_orchestrator.activities.claim_activities import ClaimActivities
from claim_orchestrator.application.ask_directory import AskDirectory
from claim_orchestrator.application.await_decisions import AwaitDecisions
from claim_orchestrator.application.claim_desk import ClaimDesk
from claim_orchestrator.application.claim_events import NEED_PERSON
from claim_orchestrator.application.claim_process import (
    CLAIM_MAIL_SIGNAL,
    CLAIM_OPERATOR_SIGNAL,
    workflow_id,
)
from claim_orchestrator.application.claim_records import ClaimProcessInput, ClaimRow, OperatorOrder
from claim_orchestrator.application.decide_claim import DecideClaim, Delivery
from claim_orchestrator.application.note_proof import NoteProof
from claim_orchestrator.application.ports import NewDecision
from claim_orchestrator.application.record_transition import RecordTransition
from claim_orchestrator.application.refuse_command import RefuseCommand
from claim_orchestrator.domain.claim import Role
from claim_orchestrator.workflows.create_claim import CreateClaimWorkflow
from claim_orchestrator.workflows.expire_completion_period import ExpireCompletionPeriodWorkflow
from claim_orchestrator.workflows.monitor_status import MonitorStatusWorkflow
from claim_orchestrator.workflows.resolution import CancelClaimWorkflow, CompleteClaimWorkflow
from devstack.cast import CLAIMER
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import InputRefused, Unavailable
from dict_common.ports.inbox import InboxKey
from dict_common.ports.outgoing import ComposedFrom, OutgoingEvent
from dict_common.secrecy.errors import SubjectErased
from dict_common.testing.clock import CountingIds
from tests.support.claim_fakes import ClearSealer, InMemoryClaims
from tests.support.claim_inputs import POLICY, first_row, process_input
from tests.support.ruled_directory import RuledDirectory
from tests.support.workflow_execution import Execution
from tests.support.workflow_simulation import Simulation, answer_of

CLAIM = UUID(int=77)
DECIDE_CONSUMER = "claim-orchestrator.claim-decide"
WORKFLOWS = {
    "CreateClaimWorkflow": CreateClaimWorkflow,
    "MonitorStatusWorkflow": MonitorStatusWorkflow,
    "ExpireCompletionPeriodWorkflow": ExpireCompletionPeriodWorkflow,
    "CompleteClaimWorkflow": CompleteClaimWorkflow,
    "CancelClaimWorkflow": CancelClaimWorkflow,
}


@cache
def _name_of(step: Callable[..., object]) -> str:
    return str(temporalio.activity._Definition.must_from_callable(step).name)


@dataclass
class ClearComposer:
    """EventComposer without seals: the body is the event's name, the record kept by its id.

    `lost`: subjects whose keys are gone.
    """

    records: dict[UUID, Mapping[str, object]] = field(default_factory=dict)
    lost: set[UUID] = field(default_factory=set)

    async def compose(self, event: ComposedFrom) -> tuple[OutgoingEvent, ...]:
        """One row an event."""
        if event.name in NEED_PERSON and event.subject_id in self.lost:
            raise SubjectErased
        self.records[event.envelope.id] = event.record
        return (
            OutgoingEvent(
                f"events/{event.name}",
                event.envelope.subject,
                event.envelope,
                event.name.encode(),
                event.ordinal,
                event.apart,
            ),
        )


@dataclass
class Broker:
    """DecisionBacklog: `claim.decide` messages that the consumer has not taken yet."""

    waiting: list[datetime] = field(default_factory=list)
    away: bool = False

    async def oldest_unacknowledged(self) -> datetime | None:
        """The oldest, or away."""
        if self.away:
            raise Unavailable("broker-away", "away")
        return min(self.waiting, default=None)


@dataclass
class Told:
    """Notifier that remembers; `away` makes it fail."""

    notices: list[dict[str, object]] = field(default_factory=list)
    away: bool = False

    async def notify(self, notice_id: UUID, body: dict[str, object]) -> bool:
        """Told, or away."""
        if self.away:
            raise Unavailable("notice-not-delivered", "away")
        self.notices.append(body)
        return True


class SimulatedProcess:
    """ClaimProcess over the simulation; signals may come twice."""

    def __init__(self, simulation: Simulation, twice: Callable[[], bool]) -> None:
        self._simulation = simulation
        self._twice = twice

    async def start(self, process: ClaimProcessInput) -> None:
        """Once."""
        id_ = workflow_id(process.claim_id)
        if id_ not in self._simulation.executions:
            self._simulation.start("CreateClaimWorkflow", process, id_)

    async def wake(self, claim_id: UUID) -> None:
        """Once or twice."""
        for _ in range(2 if self._twice() else 1):
            self._simulation.after(0, lambda: self._signal(claim_id, CLAIM_MAIL_SIGNAL))

    async def order(self, claim_id: UUID, order: OperatorOrder) -> bool:
        """Once; False when no workflow runs."""
        execution = self._simulation.executions.get(workflow_id(claim_id))
        if execution is None or execution.closed:
            return False
        self._simulation.after(0, lambda: self._signal(claim_id, CLAIM_OPERATOR_SIGNAL, order))
        return True

    async def restart(self, process: ClaimProcessInput) -> None:
        """Anew."""
        id_ = workflow_id(process.claim_id)
        last = self._simulation.executions.get(id_)
        ended = None
        if last is not None:
            ended = last.result if last.closed == "COMPLETED" else last.given.ended
        self._simulation.start("CreateClaimWorkflow", replace(process, ended=ended), id_)

    def _signal(self, claim_id: UUID, name: str, *values: object) -> None:
        self._simulation.signal(workflow_id(claim_id), name, *values)


class ClaimStage:
    """One claim, its world, and what a test may do to it."""

    def __init__(self, claim_type: str = "PORTABILITY") -> None:
        self.type = claim_type
        self.simulation = Simulation(WORKFLOWS)
        self.directory = RuledDirectory(self.simulation, CountingIds(), POLICY.day_seconds)
        self.claims, self.broker, self.told = InMemoryClaims(), Broker(), Told()
        self.composer = ClearComposer()
        self.twice: Callable[[], bool] = lambda: False
        self._request_ids = CountingIds()
        rest = ClearSealer()
        desk = ClaimDesk(self.claims, self.told, POLICY)
        self.steps = ClaimActivities(
            AskDirectory(self.directory, self.claims, rest, self._request_ids),
            RecordTransition(self.claims, self.composer, rest, lambda: None),
            desk,
            AwaitDecisions(self.broker, self.simulation),
            self.simulation,
        )
        steps: tuple[Any, ...] = self.steps.all()
        self.simulation.activities = {_name_of(step.__func__): step for step in steps}
        self.process = SimulatedProcess(self.simulation, lambda: self.twice())
        self.decide = DecideClaim(self.claims, self.process, self.simulation)
        self.note_proof = NoteProof(
            self.claims, self.process, frozenset({CLAIMER}), self.simulation
        )
        self.refuse = RefuseCommand(self.claims, self.composer, self.simulation)
        self.refusals: list[tuple[UUID, str]] = []

    def open(self) -> Execution:
        """Core's command was taken: the row is there, the workflow starts."""
        self.claims.add(first_row(CLAIM, self.type))
        return self.begin()

    def begin(self) -> Execution:
        """The workflow of a claim whose row is there starts."""
        given = process_input(CLAIM, self.type)
        return self.simulation.start("CreateClaimWorkflow", given, workflow_id(CLAIM))

    def resume(self) -> Execution:
        """A workflow that was lost is started anew, as `dictctl claim resume` has it done."""
        answer_of(self.process.restart(replace(process_input(CLAIM, self.type), resumed=True)))
        return self.execution

    def donor(self, action: str, reason: str = "") -> bool:
        """The donor acts at DICT, if it knows an open claim and the rules let it."""
        acted = [self.directory.act(id_, action, reason) for id_ in self.directory.claims]
        return any(acted)

    def send(self, word: str, ce_id: UUID, decided_at: datetime, reason: str | None = None) -> None:
        """`claim.decide` reaches the consumer now, published at `decided_at`."""
        published_at = max(decided_at, self.simulation.now_ - timedelta(minutes=10))
        self.take(word, ce_id, decided_at, reason, published_at)

    def take(
        self,
        word: str,
        ce_id: UUID,
        decided_at: datetime,
        reason: str | None,
        published_at: datetime,
    ) -> None:
        """`claim.decide` reaches the consumer now; what breaks a rule is rejected, as there."""
        content = repr((word, reason, decided_at)).encode()
        key = InboxKey(DECIDE_CONSUMER, ce_id, (content,))
        envelope = Envelope(ce_id, "claim.decide", "/core", decided_at, str(CLAIM), "claim")
        record: dict[str, object] = {
            "claim_id": str(CLAIM),
            "role": "CLAIMER",
            "decision": word,
            "reason": reason,
            "otp_id": None,
            "decided_at": decided_at,
            "decided_by": "user-1",
        }
        try:
            answer_of(self.decide(Delivery(key, envelope, published_at), record))
        except InputRefused as error:
            self.refusals.append((ce_id, error.reason_code))
            answer_of(self.refuse(key, envelope, ("claim", str(CLAIM)), error))

    def prove(self, validated_at: datetime | None = None) -> None:
        """`otp.validated` reaches the consumer, made now or at another instant."""
        now = validated_at or self.simulation.now_
        otp = uuid5(CLAIM, now.isoformat())
        record: dict[str, object] = {
            "otp_id": str(otp),
            "operation_type": "CLAIM",
            "operation_id": str(CLAIM),
            "participant": CLAIMER,
            "validated_at": now,
        }
        answer_of(self.note_proof(otp, record))

    def day(self, number: float) -> datetime:
        """The instant so many days after DICT has opened the claim; after the start before."""
        created = min(
            (it.creation_time for it in self.directory.claims.values() if it.creation_time),
            default=self.simulation.now_,
        )
        return created + timedelta(days=number)

    def run_to(self, instant: datetime) -> None:
        """Lets time pass until that instant."""
        self.simulation.run(instant)

    def finish(self) -> None:
        """Lets time pass until nothing happens any more."""
        self.simulation.run()

    @property
    def row(self) -> ClaimRow:
        """The claim's row."""
        return self.claims.rows[CLAIM, Role.CLAIMER]

    @property
    def execution(self) -> Execution:
        """The claim's workflow."""
        return self.simulation.executions[workflow_id(CLAIM)]

    @property
    def events(self) -> list[str]:
        """Business events in the order of their sequence, which has no gap."""
        own = [it for it in self.claims.events if it[1].key == str(CLAIM)]
        ordered = sorted(own, key=lambda item: item[0])
        assert [sequence for sequence, _ in ordered] == list(range(1, len(ordered) + 1))
        names = [event.payload.decode() for _, event in ordered]
        return [name for name in names if name != "workflow.step"]

    def noted(self, name: str) -> list[tuple[object, object]]:
        """Kind and outcome of the `workflow.step` events of that name."""
        steps = [it for _, it in self.claims.events if it.payload == b"workflow.step"]
        records = [self.composer.records[it.envelope.id] for it in steps]
        return [(it["kind"], it["outcome"]) for it in records if it["name"] == name]

    def effects(self, operation: str) -> int:
        """How often DICT was changed by that operation."""
        return sum(effect.operation == operation for effect in self.directory.effects)

    def stored(self, ce_id: UUID) -> NewDecision | None:
        """The decision as it was stored."""
        return self.claims.decisions.get(ce_id)
