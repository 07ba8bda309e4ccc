"""Runs workflow code without a server: activations in, commands out, activities really called.

The only place that touches the SDK's private parts (temporalio is pinned below 1.36 for it). A
simulated workflow takes microseconds where a server takes seconds, and any order of what may
happen can be played: which pending activity answers next is the caller's choice.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, get_type_hints

import temporalio.common
import temporalio.workflow
from temporalio.api.common.v1 import Payloads
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner
from temporalio.worker._workflow_instance import WorkflowInstance, WorkflowInstanceDetails

Activity = Callable[[Any], Coroutine[Any, Any, Any]]

_CONVERTER = DataConverter.default
_THREAD = ThreadPoolExecutor(1, thread_name_prefix="workflow")
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN_ID = "00000000-0000-0000-0000-00000000000a"


@dataclass(frozen=True)
class Pending:
    """An activity that the workflow waits for."""

    sequence: int
    name: str
    arguments: list[Any]


@dataclass
class SimulatedWorkflow:
    """One execution. `pending` may be answered in any order; `closed` tells how it ended."""

    workflow: type
    given: Any
    id: str
    activities: Mapping[str, Activity]
    pending: list[Pending] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    signals_out: list[tuple[str, Any]] = field(default_factory=list)
    timers: list[int] = field(default_factory=list)
    called: list[str] = field(default_factory=list)
    closed: str = ""
    result: Any = None

    def __post_init__(self) -> None:
        """Starts the workflow: its first task runs here."""
        self._now: datetime = START
        self._history = 0
        self._instance: WorkflowInstance = asyncio.run(self._create())
        activation = self._activation()
        job = activation.jobs.add().initialize_workflow
        definition = temporalio.workflow._Definition.must_from_class(self.workflow)
        job.workflow_type = definition.name or ""
        job.workflow_id = self.id
        job.randomness_seed = 1
        job.arguments.extend(_CONVERTER.payload_converter.to_payloads([self.given]))
        self._activate(activation)

    def answer(self, place: int = 0) -> None:
        """Calls the pending activity at `place` and gives the workflow what it answers.

        A retryable error leaves it pending, as the server would.
        """
        pending = self.pending.pop(place)
        self.called.append(pending.name)
        activity = self.activities[pending.name]
        hints = get_type_hints(activity)
        hints.pop("return", None)
        (kind,) = hints.values()
        (argument,) = _CONVERTER.payload_converter.from_payloads(pending.arguments, [kind])
        activation = self._activation()
        job = activation.jobs.add().resolve_activity
        job.seq = pending.sequence
        try:
            value = asyncio.run(activity(argument))
        except ApplicationError as error:
            if not error.non_retryable:
                self.pending.insert(place, pending)
                return
            job.result.failed.failure.CopyFrom(_activity_failure(pending.name, error))
        else:
            payload = _CONVERTER.payload_converter.to_payload(value)
            job.result.completed.result.CopyFrom(payload)
        self._activate(activation)

    def signal(self, name: str, value: Any) -> None:
        """Delivers a signal."""
        activation = self._activation()
        job = activation.jobs.add().signal_workflow
        job.signal_name = name
        job.originating_event_id = self._history + 1
        job.input.extend(_CONVERTER.payload_converter.to_payloads([value]))
        self._activate(activation)

    def fire(self) -> None:
        """The oldest timer has run out."""
        activation = self._activation()
        activation.jobs.add().fire_timer.seq = self.timers.pop(0)
        self._activate(activation)

    def run(self, answers_max: int = 100) -> None:
        """Answers in order until nothing is pending or it ended."""
        for _ in range(answers_max):
            if self.closed or not self.pending:
                return
            self.answer()
        raise AssertionError(f"still pending after {answers_max}: {self.pending}")

    async def _create(self) -> WorkflowInstance:
        definition = temporalio.workflow._Definition.must_from_class(self.workflow)
        info = temporalio.workflow.Info(
            attempt=1,
            continued_run_id=None,
            cron_schedule=None,
            execution_timeout=None,
            first_execution_run_id=RUN_ID,
            headers={},
            namespace="simulation",
            original_execution_run_id=RUN_ID,
            parent=None,
            root=None,
            priority=temporalio.common.Priority.default,
            raw_memo={},
            retry_policy=None,
            run_id=RUN_ID,
            run_timeout=None,
            search_attributes={},
            start_time=START,
            task_queue="simulation",
            task_timeout=timedelta(seconds=10),
            typed_search_attributes=temporalio.common.TypedSearchAttributes.empty,
            workflow_id=self.id,
            workflow_start_time=START,
            workflow_type=definition.name or "",
        )
        return UnsandboxedWorkflowRunner().create_instance(
            WorkflowInstanceDetails(
                payload_converter_factory=_CONVERTER._new_payload_converter,
                failure_converter_class=_CONVERTER.failure_converter_class,
                interceptor_classes=[],
                defn=definition,
                info=info,
                randomness_seed=1,
                extern_functions={
                    "__temporal_get_metric_meter": lambda: temporalio.common.MetricMeter.noop
                },
                disable_eager_activity_execution=True,
                worker_level_failure_exception_types=[],
                patch_activation_callback=None,
                last_completion_result=Payloads(),
                last_failure=None,
                default_workflow_logic_flags=frozenset(),
            )
        )

    def _activation(self) -> WorkflowActivation:
        self._now += timedelta(seconds=1)
        activation = WorkflowActivation(run_id=RUN_ID, history_length=self._history)
        activation.timestamp.FromDatetime(self._now.replace(tzinfo=None))
        return activation

    def _activate(self, activation: WorkflowActivation) -> None:
        self._history += 3
        completion = _THREAD.submit(self._instance.activate, activation).result()
        if completion.HasField("failed"):
            raise AssertionError(completion.failed.failure.message)
        followed = [self._obey(command) for command in completion.successful.commands]
        for job in followed:
            if job is not None and not self.closed:
                self._activate(job)

    def _obey(self, command: Any) -> WorkflowActivation | None:
        kind = command.WhichOneof("variant")
        value = getattr(command, kind)
        activation = self._activation()
        match kind:
            case "schedule_activity":
                self.pending.append(Pending(value.seq, value.activity_type, list(value.arguments)))
                return None
            case "start_timer":
                self.timers.append(value.seq)
                return None
            case "cancel_timer":
                self.timers.remove(value.seq)
                return None
            case "start_child_workflow_execution":
                self.children.append(value.workflow_id)
                started = activation.jobs.add().resolve_child_workflow_execution_start
                started.seq = value.seq
                started.succeeded.run_id = RUN_ID
                return activation
            case "signal_external_workflow_execution":
                self.signals_out.append((value.signal_name, list(value.args)))
                activation.jobs.add().resolve_signal_external_workflow.seq = value.seq
                return activation
            case "cancel_child_workflow_execution":
                ended = activation.jobs.add().resolve_child_workflow_execution
                ended.seq = value.child_workflow_seq
                failure = ended.result.cancelled.failure
                failure.child_workflow_execution_failure_info.SetInParent()
                failure.cause.canceled_failure_info.SetInParent()
                return activation
            case "complete_workflow_execution":
                self.closed = "COMPLETED"
                self.result = _CONVERTER.payload_converter.from_payload(value.result)
            case "fail_workflow_execution":
                self.closed, self.result = "FAILED", value.failure.message
        return None


def _activity_failure(name: str, error: ApplicationError) -> Failure:
    """As the server wraps it."""
    cause = Failure()
    _CONVERTER.failure_converter.to_failure(error, _CONVERTER.payload_converter, cause)
    failure = Failure(message="Activity task failed", cause=cause)
    failure.activity_failure_info.activity_type.name = name
    return failure
