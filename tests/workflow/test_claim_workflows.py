"""The claim's workflows without a server: any order of events, one end for each claim."""

import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claim_orchestrator.activities.claim_activities import ClaimActivities
from claim_orchestrator.application.ask_directory import AskDirectory, snapshot
from claim_orchestrator.application.claim_process import (
    CLAIM_STATUS_SIGNAL,
    COMPLETE_CLAIM_GRPC,
    PREPARE_COMPLETION,
    Recorded,
    workflow_id,
)
from claim_orchestrator.application.record_transition import RecordTransition
from claim_orchestrator.domain.claim import Role
from claim_orchestrator.workflows.create_claim import CreateClaimWorkflow
from claim_orchestrator.workflows.monitor_status import MonitorInput, MonitorStatusWorkflow
from dict_common.ports.directory import CallContext, DirectoryRefused
from dict_common.ports.outgoing import ComposedFrom, OutgoingEvent
from dict_common.testing.clock import CountingIds, FixedClock
from dict_common.testing.directory import InMemoryDirectory, Script
from tests.support.claim_fakes import InMemoryClaims
from tests.support.claim_inputs import process_input
from tests.support.workflow_simulation import Activity, SimulatedWorkflow

CLAIM = UUID(int=77)


class ClearComposer:
    """EventComposer without seals: the body is the event's name."""

    async def compose(self, event: ComposedFrom) -> tuple[OutgoingEvent, ...]:
        """One row an event."""
        return (
            OutgoingEvent(
                f"events/{event.name}",
                event.envelope.subject,
                event.envelope,
                event.name.encode(),
                event.ordinal,
            ),
        )


class Stage:
    """A claim's workflow over fakes: DICT, the tables, the activities as they are."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.directory = InMemoryDirectory(self.clock, CountingIds())
        self.claims = InMemoryClaims()
        self.claims.rows[CLAIM, Role.CLAIMER] = Recorded(0, "RUNNING", None, stale=False)
        ask = AskDirectory(self.directory, self.claims, uuid4)
        steps = ClaimActivities(ask, RecordTransition(self.claims, ClearComposer(), lambda: None))
        self.activities: dict[str, Activity] = {
            "CreateClaimGRPC": steps.create_claim,
            "GetClaimGRPC": steps.get_claim,
            "PollClaimStatus": steps.poll_claim_status,
            "PrepareCompletion": steps.prepare_completion,
            "CompleteClaimGRPC": steps.complete_claim,
            "RecordTransition": steps.record_transition,
            "TransferEntry": steps.transfer_entry,
        }

    def start(self) -> SimulatedWorkflow:
        """Starts CreateClaimWorkflow."""
        return SimulatedWorkflow(
            CreateClaimWorkflow, process_input(CLAIM), workflow_id(CLAIM), self.activities
        )

    def donor(self, status: str, **changes: str) -> None:
        """The donor acts at DICT."""
        (claim_id,) = self.directory.claims
        self.directory.act(claim_id, status, **changes)

    def tell(self, workflow: SimulatedWorkflow) -> None:
        """The monitor tells the workflow what DICT shows."""
        (claim,) = self.directory.claims.values()
        workflow.signal(CLAIM_STATUS_SIGNAL, snapshot(claim))

    @property
    def events(self) -> list[str]:
        """Business events in the order of their sequence, which has no gap."""
        ordered = sorted(self.claims.events, key=lambda item: item[0])
        assert [sequence for sequence, _ in ordered] == list(range(1, len(ordered) + 1))
        names = [event.payload.decode() for _, event in ordered]
        return [name for name in names if name != "workflow.step"]

    @property
    def row(self) -> Recorded:
        """The claim's row."""
        return self.claims.rows[CLAIM, Role.CLAIMER]


def refuse(problem: str, status: int, operation: str, times: int = 1_000) -> Script:
    """A script that refuses an operation."""
    left = [times]

    def script(name: str, _context: CallContext) -> None:
        if name == operation and left[0]:
            left[0] -= 1
            raise DirectoryRefused(problem, status, problem)

    return script


def test_confirmed_claim_is_completed_and_transferred() -> None:
    stage = Stage()
    workflow = stage.start()
    workflow.run()
    assert workflow.children == [f"claim-{CLAIM}-monitor"]
    for status in ("WAITING_RESOLUTION", "CONFIRMED"):
        stage.donor(status)
        stage.tell(workflow)
        workflow.run()
    assert (workflow.closed, workflow.result) == ("COMPLETED", "COMPLETED")
    assert stage.events == [
        "claim.created",
        "claim.acknowledged",
        "claim.confirmed",
        "claim.completed",
        "entry.transferred",
    ]
    assert workflow.called.index(PREPARE_COMPLETION) < workflow.called.index(COMPLETE_CLAIM_GRPC)
    stored = stage.claims.request_ids[CLAIM, Role.CLAIMER]
    assert set(stage.directory.request_ids.values()) == {stored}


def test_claim_that_the_donor_cancels_ends_rejected() -> None:
    stage = Stage()
    workflow = stage.start()
    workflow.run()
    stage.donor("CANCELLED", cancel_reason="USER_REQUESTED", cancelled_by="DONOR")
    stage.tell(workflow)
    workflow.run()
    assert (workflow.closed, workflow.result) == ("COMPLETED", "CANCELLED")
    assert stage.events == ["claim.created", "claim.cancelled"]


def test_claim_that_dict_refuses_fails_and_says_why() -> None:
    stage = Stage()
    stage.directory.script = refuse("ClaimKeyNotFound", 404, "CreateClaim")
    workflow = stage.start()
    workflow.run()
    assert (workflow.closed, workflow.result) == ("COMPLETED", "FAILED")
    assert stage.events == ["claim.failed"]
    assert stage.row.status == "FAILED"


def test_outage_of_dict_is_retried_until_it_is_over() -> None:
    stage = Stage()
    stage.directory.script = refuse("ServiceUnavailable", 503, "CreateClaim", 5)
    workflow = stage.start()
    workflow.run()
    assert stage.events == ["claim.created"]
    assert len({request_id for _, request_id in stage.directory.calls}) == 1


@pytest.mark.parametrize(
    ("problem", "status"), [("ClaimOperationInvalid", 400), ("SomethingNew", 400)]
)
def test_refused_completion_is_kept_and_dict_decides(problem: str, status: int) -> None:
    stage = Stage()
    workflow = stage.start()
    workflow.run()
    stage.donor("CONFIRMED")
    stage.directory.script = refuse(problem, status, "CompleteClaim")
    stage.tell(workflow)
    workflow.run()
    assert not workflow.closed
    assert stage.row.status == "RUNNING"
    stage.donor("CANCELLED", cancel_reason="FRAUD")
    stage.tell(workflow)
    workflow.run()
    assert (workflow.closed, workflow.result) == ("COMPLETED", "CANCELLED")


def test_refused_completion_is_tried_again_though_dict_shows_nothing_new() -> None:
    stage = Stage()
    workflow = stage.start()
    workflow.run()
    stage.donor("CONFIRMED")
    stage.directory.script = refuse("SomethingNew", 400, "CompleteClaim", 2)
    stage.tell(workflow)
    workflow.run()
    for _ in range(2):
        assert not workflow.closed
        workflow.fire()
        workflow.run()
    assert (workflow.closed, workflow.result) == ("COMPLETED", "COMPLETED")
    assert stage.events[-2:] == ["claim.completed", "entry.transferred"]


def test_refused_reread_is_held_and_tried_again() -> None:
    stage = Stage()
    workflow = stage.start()
    workflow.run()
    stage.donor("CONFIRMED")
    left = ["ClaimOperationInvalid", "NotFound"]

    def script(name: str, _context: CallContext) -> None:
        if name in ("CompleteClaim", "GetClaim") and left:
            problem = left.pop(0)
            raise DirectoryRefused(problem, 404, problem)

    stage.directory.script = script
    stage.tell(workflow)
    workflow.run()
    assert not workflow.closed
    workflow.fire()
    workflow.run()
    assert workflow.result == "COMPLETED"


def test_row_that_another_writer_changed_is_written_over_its_new_version() -> None:
    stage = Stage()
    stage.claims.rows[CLAIM, Role.CLAIMER] = Recorded(4, "RUNNING", None, stale=False)
    workflow = stage.start()
    workflow.run()
    assert stage.row.version == 6
    assert stage.row.dict_status == "OPEN"


def test_monitor_tells_each_news_once_and_ends_with_the_claim() -> None:
    stage = Stage()
    parent = stage.start()
    parent.run()
    (claim,) = stage.directory.claims.values()
    given = MonitorInput(process_input(CLAIM), claim.id, "OPEN", workflow_id(CLAIM))
    monitor = SimulatedWorkflow(
        MonitorStatusWorkflow, given, f"claim-{CLAIM}-monitor", stage.activities
    )
    for _ in range(3):  # nothing new: the same activity comes again
        monitor.answer()
    assert monitor.signals_out == []
    for status in ("WAITING_RESOLUTION", "CONFIRMED", "COMPLETED"):
        stage.donor(status)
        monitor.answer()
    assert [name for name, _ in monitor.signals_out] == [CLAIM_STATUS_SIGNAL] * 3
    assert (monitor.closed, monitor.result) == ("COMPLETED", "COMPLETED")


MOVES = st.lists(
    st.sampled_from(["answer", "tell", "tell-again", "acknowledge", "confirm", "cancel"]),
    max_size=25,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MOVES)
def test_any_order_of_news_ends_in_one_way(moves: list[str]) -> None:
    stage = Stage()
    workflow = stage.start()
    workflow.answer()  # DICT has the claim, and anything may happen from here on
    for move in moves:
        (claim,) = stage.directory.claims.values()
        if workflow.closed:
            break
        if move == "answer" and workflow.pending:
            workflow.answer()
        elif move.startswith("tell"):
            stage.tell(workflow)
        elif move == "acknowledge" and claim.status == "OPEN":
            stage.donor("WAITING_RESOLUTION")
        elif move == "confirm" and claim.status == "WAITING_RESOLUTION":
            stage.donor("CONFIRMED", confirm_reason="USER_REQUESTED")
        elif move == "cancel" and claim.status in ("OPEN", "WAITING_RESOLUTION"):
            stage.donor("CANCELLED", cancel_reason="USER_REQUESTED", cancelled_by="DONOR")
    workflow.run()
    (claim,) = stage.directory.claims.values()
    if claim.status in ("OPEN", "WAITING_RESOLUTION"):
        stage.donor("CONFIRMED")
    if not workflow.closed:
        stage.tell(workflow)
        workflow.run()
    (claim,) = stage.directory.claims.values()
    assert workflow.closed == "COMPLETED"
    assert workflow.result == claim.status == stage.row.dict_status == stage.row.status
    terminal = [name for name in stage.events if name in ("claim.completed", "claim.cancelled")]
    assert terminal == [f"claim.{claim.status.lower()}"]
    completions = [name for name, _ in stage.directory.calls if name == "CompleteClaim"]
    assert len(completions) == (1 if claim.status == "COMPLETED" else 0)


@pytest.mark.parametrize("module", ["create_claim", "monitor_status", "journal", "steps"])
def test_workflow_module_loads_no_driver(module: str) -> None:
    program = (
        "import sys, temporalio.workflow\n"
        "sdk = set(sys.modules)\n"  # what the SDK brings by itself is not ours
        f"import claim_orchestrator.workflows.{module}\n"
        "drivers = {'asyncpg', 'pulsar', '_pulsar', 'grpc', 'redis', 'tink', 'fastavro'}\n"
        "print(sorted(drivers & set(sys.modules) - sdk))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=Path(__file__).parent,
    )
    assert done.stdout.strip() == "[]"
