"""One workflow execution of a simulation: the SDK's instance, fed by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast, get_type_hints
from zlib import crc32

import temporalio.common
import temporalio.workflow
from temporalio.api.common.v1 import Payloads
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner
from temporalio.worker._workflow_instance import WorkflowInstance, WorkflowInstanceDetails

from tests.support.quick_payloads import QuickPayloads

if TYPE_CHECKING:
    from tests.support.workflow_simulation import Activity, Pending, Simulation

CONVERTER = DataConverter(payload_converter_class=QuickPayloads)
_PAYLOADS = QuickPayloads()
_NOWHERE = cast("asyncio.AbstractEventLoop", SimpleNamespace())
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALREADY_EXISTS = 1  # StartChildWorkflowExecutionFailedCause
_ALLOW_DUPLICATE = 1  # WorkflowIdReusePolicy


class Execution:
    """`closed`: how it ended, empty while it runs. `history`: every activation it was given."""

    def __init__(
        self,
        simulation: Simulation,
        workflow: type,
        given: Any,
        id_: str,
        parent: Execution | None = None,
    ) -> None:
        self.simulation = simulation
        self.workflow = workflow
        self.given = given
        self.id = id_
        self.parent = parent
        self.pending: dict[int, Pending] = {}
        self.timers: set[int] = set()
        self.children: dict[int, Execution] = {}
        self.updates: dict[str, Any] = {}
        self.history: list[bytes] = []
        self.commands: list[list[bytes]] = []
        self.used_flags: list[list[int]] = []
        self.closed = ""
        self.result: Any = None
        self.child_sequence = 0
        self.run_id = simulation.new_run_id()
        self._seed = crc32(f"{id_} {self.run_id}".encode())
        self._queued: WorkflowActivation | None = None
        self._instance: WorkflowInstance = self._create()

    def begin(self) -> None:
        """Its first task."""
        activation = self._activation()
        job = activation.jobs.add().initialize_workflow
        definition = temporalio.workflow._Definition.must_from_class(self.workflow)
        job.workflow_type = definition.name or ""
        job.workflow_id = self.id
        job.randomness_seed = self._seed
        job.arguments.extend(_PAYLOADS.to_payloads([self.given]))
        self._activate(activation)

    def signal(self, name: str, values: tuple[Any, ...]) -> None:
        """A signal arrives."""
        activation = self._activation()
        job = activation.jobs.add().signal_workflow
        job.signal_name = name
        job.originating_event_id = len(self.history) * 3 + 1
        job.input.extend(_PAYLOADS.to_payloads(list(values)))
        self._activate(activation)

    def update(self, id_: str, name: str, value: Any) -> None:
        """An update arrives; its outcome will stand in `updates`."""
        activation = self._activation()
        job = activation.jobs.add().do_update
        job.id, job.protocol_instance_id, job.name, job.run_validator = id_, id_, name, True
        job.input.extend(_PAYLOADS.to_payloads([value]))
        self._activate(activation)

    def cancel(self) -> None:
        """Somebody asks it to stop."""
        activation = self._activation()
        activation.jobs.add().cancel_workflow.reason = "parent"
        self._activate(activation)

    def argument(self, pending: Pending, activities: Mapping[str, Activity]) -> Any:
        """What the activity was called with; read once for all its attempts."""
        if not pending.argument:
            (kind,) = _argument_types(activities[pending.name])
            pending.argument = _PAYLOADS.from_payloads(pending.arguments, [kind])
        return pending.argument[0]

    def complete(self, pending: Pending, value: Any) -> None:
        """The activity has answered."""
        activation = self._resolution(pending)
        payload = _PAYLOADS.to_payload(value)
        activation.jobs[0].resolve_activity.result.completed.result.CopyFrom(payload)
        self._activate(activation)

    def fail(self, pending: Pending, error: ApplicationError) -> None:
        """The activity has failed for good."""
        self._fail(pending, _failure_of(error))

    def exhaust(self, pending: Pending, last: Exception) -> None:
        """Its time or its attempts are used up: the server tells the last error, at once when no
        other attempt would be in time. Only an attempt that nobody answered ends as a timeout."""
        if self.closed or pending.sequence not in self.pending:
            return None
        if not isinstance(last, TimeoutError):
            return self._fail(pending, _failure_of(last))
        cause = Failure(message="activity ScheduleToClose timeout")
        cause.timeout_failure_info.timeout_type = 3  # type: ignore[assignment]
        return self._fail(pending, cause)

    def let_go(self) -> None:
        """Holds nothing any more, itself and the SDK's instance least of all."""
        for part in (self._instance, self):
            vars(part).clear()

    def replay(self) -> None:
        """The worker that held it is gone: rebuilt from its history, it must do the same."""
        self._instance = self._create()
        tasks = zip(self.history, self.commands, self.used_flags, strict=True)
        for number, (given, done, flags) in enumerate(tasks):
            activation = WorkflowActivation.FromString(given)
            activation.is_replaying = True
            activation.available_internal_flags.extend(flags)  # the server keeps them by the task
            completion = self._instance.activate(activation)
            assert not completion.HasField("failed"), completion.failed.failure.message
            again = [it.SerializeToString(deterministic=True) for it in _commands(completion)]
            assert again == done, f"{self.id} did something else in task {number}"

    def _fail(self, pending: Pending, cause: Failure) -> None:
        activation = self._resolution(pending)
        failure = activation.jobs[0].resolve_activity.result.failed.failure
        failure.message = "Activity task failed"
        failure.cause.CopyFrom(cause)
        failure.activity_failure_info.activity_type.name = pending.name
        self._activate(activation)

    def _resolution(self, pending: Pending) -> WorkflowActivation:
        del self.pending[pending.sequence]
        activation = self._activation()
        activation.jobs.add().resolve_activity.seq = pending.sequence
        return activation

    def _fire(self, sequence: int) -> None:
        if self.closed or sequence not in self.timers:
            return
        self.timers.discard(sequence)
        activation = self._activation()
        activation.jobs.add().fire_timer.seq = sequence
        self._activate(activation)

    def _create(self) -> WorkflowInstance:
        """The SDK leaves its runtime for a moment on the loop that runs; here none has to."""
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(_NOWHERE)
        try:
            return self._created()
        finally:
            asyncio._set_running_loop(before)

    def _created(self) -> WorkflowInstance:
        definition = temporalio.workflow._Definition.must_from_class(self.workflow)
        now = self.simulation.now_ if not self.history else _time_of(self.history[0])
        info = temporalio.workflow.Info(
            attempt=1,
            continued_run_id=None,
            cron_schedule=None,
            execution_timeout=None,
            first_execution_run_id=self.run_id,
            headers={},
            namespace="simulation",
            original_execution_run_id=self.run_id,
            parent=None,
            root=None,
            priority=temporalio.common.Priority.default,
            raw_memo={},
            retry_policy=None,
            run_id=self.run_id,
            run_timeout=None,
            search_attributes={},
            start_time=now,
            task_queue="simulation",
            task_timeout=timedelta(seconds=10),
            typed_search_attributes=temporalio.common.TypedSearchAttributes.empty,
            workflow_id=self.id,
            workflow_start_time=now,
            workflow_type=definition.name or "",
        )
        return UnsandboxedWorkflowRunner().create_instance(
            WorkflowInstanceDetails(
                payload_converter_factory=lambda: _PAYLOADS,
                failure_converter_class=CONVERTER.failure_converter_class,
                interceptor_classes=[],
                defn=definition,
                info=info,
                randomness_seed=self._seed,
                extern_functions={
                    "__temporal_get_metric_meter": lambda: temporalio.common.MetricMeter.noop
                },
                disable_eager_activity_execution=True,
                worker_level_failure_exception_types=[],
                patch_activation_callback=None,
                last_completion_result=Payloads(),
                last_failure=None,
                default_workflow_logic_flags=self.simulation.flags,
            )
        )

    def _activation(self) -> WorkflowActivation:
        activation = WorkflowActivation(run_id=self.run_id, history_length=len(self.history) * 3)
        self._stamp(activation)
        return activation

    def _stamp(self, activation: WorkflowActivation) -> None:
        passed, stamp = self.simulation.now_ - _EPOCH, activation.timestamp
        stamp.seconds = passed.days * 86_400 + passed.seconds
        stamp.nanos = passed.microseconds * 1_000

    def wake(self) -> None:
        """Workers are back: what has happened meanwhile comes in one task."""
        if self._queued is not None:
            activation, self._queued = self._queued, None
            self._stamp(activation)
            self._activate(activation)

    def _activate(self, activation: WorkflowActivation) -> None:
        if self.closed:
            return
        if self.simulation.workers_down:
            if self._queued is None:
                self._queued = activation
            else:
                self._queued.jobs.extend(activation.jobs)
            return
        self.history.append(activation.SerializeToString())
        completion = self._instance.activate(activation)
        if completion.HasField("failed"):
            raise AssertionError(completion.failed.failure.message)
        commands = _commands(completion)
        self.commands.append([it.SerializeToString(deterministic=True) for it in commands])
        self.used_flags.append(list(completion.successful.used_internal_flags))
        for command in commands:
            self._obey(command)

    def _obey(self, command: Any) -> None:
        kind = command.WhichOneof("variant")
        getattr(self, f"_on_{kind}", _ignored)(getattr(command, kind))

    def _on_schedule_activity(self, value: Any) -> None:
        from tests.support.workflow_simulation import Pending

        retry, within = value.retry_policy, _span(value.schedule_to_close_timeout)
        pending = Pending(
            sequence=value.seq,
            name=value.activity_type,
            arguments=list(value.arguments),
            timeout=_span(value.start_to_close_timeout),
            initial=_span(retry.initial_interval) or timedelta(seconds=1),
            coefficient=retry.backoff_coefficient or 2.0,
            interval_max=_span(retry.maximum_interval) or None,
            attempts_max=retry.maximum_attempts,
            give_up_at=self.simulation.now_ + within if within else None,
        )
        self.pending[value.seq] = pending
        self.simulation.attempt(self, pending)

    def _on_request_cancel_activity(self, value: Any) -> None:
        if value.seq not in self.pending:
            return
        activation = self._resolution(self.pending[value.seq])
        failure = activation.jobs[0].resolve_activity.result.cancelled.failure
        failure.activity_failure_info.SetInParent()
        failure.cause.canceled_failure_info.SetInParent()
        self.simulation.after(0, lambda: self._activate(activation))

    def _on_start_timer(self, value: Any) -> None:
        self.timers.add(value.seq)
        due = self.simulation.now_ + _span(value.start_to_fire_timeout)
        self.simulation.at(due, lambda: self._fire(value.seq))

    def _on_cancel_timer(self, value: Any) -> None:
        self.timers.discard(value.seq)

    def _on_start_child_workflow_execution(self, value: Any) -> None:
        activation = self._activation()
        started = activation.jobs.add().resolve_child_workflow_execution_start
        started.seq = value.seq
        other = self.simulation.executions.get(value.workflow_id)
        if other is not None and not _may_follow(other, value.workflow_id_reuse_policy):
            started.failed.workflow_id = value.workflow_id
            started.failed.workflow_type = value.workflow_type
            started.failed.cause = _ALREADY_EXISTS  # type: ignore[assignment]
            self.simulation.after(0, lambda: self._activate(activation))
            return
        child = self._child(value)
        started.succeeded.run_id = child.run_id
        self.simulation.after(0, lambda: self._activate(activation))
        self.simulation.after(0, child.begin)

    def _child(self, value: Any) -> Execution:
        workflow = self.simulation.workflows[value.workflow_type]
        (kind,) = _argument_types(workflow.run)  # type: ignore[attr-defined]
        (given,) = _PAYLOADS.from_payloads(list(value.input), [kind])
        child = Execution(self.simulation, workflow, given, value.workflow_id, self)
        child.child_sequence = value.seq
        self.children[value.seq] = child
        self.simulation.executions[value.workflow_id] = child
        return child

    def _on_cancel_child_workflow_execution(self, value: Any) -> None:
        child = self.children[value.child_workflow_seq]
        self.simulation.after(0, child.cancel)

    def _on_signal_external_workflow_execution(self, value: Any) -> None:
        activation = self._activation()
        resolved = activation.jobs.add().resolve_signal_external_workflow
        resolved.seq = value.seq
        target = self.simulation.executions.get(value.workflow_execution.workflow_id)
        if target is None or target.closed:
            resolved.failure.message = "external workflow execution not found"
            resolved.failure.application_failure_info.type = "ExternalWorkflowExecutionNotFound"
        else:
            hand = [payload.SerializeToString() for payload in value.args]
            self.simulation.after(0, lambda: target._signal_raw(value.signal_name, hand))
        self.simulation.after(0, lambda: self._activate(activation))

    def _signal_raw(self, name: str, payloads: list[bytes]) -> None:
        activation = self._activation()
        job = activation.jobs.add().signal_workflow
        job.signal_name = name
        job.originating_event_id = len(self.history) * 3 + 1
        for payload in payloads:
            job.input.add().ParseFromString(payload)
        self._activate(activation)

    def _on_update_response(self, value: Any) -> None:
        kind = value.WhichOneof("response")
        if kind == "rejected":
            self.updates[value.protocol_instance_id] = value.rejected.message
        elif kind == "completed":
            self.updates[value.protocol_instance_id] = _PAYLOADS.from_payload(value.completed)

    def _on_complete_workflow_execution(self, value: Any) -> None:
        self._end("COMPLETED", _PAYLOADS.from_payload(value.result))

    def _on_fail_workflow_execution(self, value: Any) -> None:
        self._end("FAILED", value.failure)

    def _on_cancel_workflow_execution(self, _value: Any) -> None:
        self._end("CANCELLED", None)

    def _end(self, how: str, result: Any) -> None:
        self.closed, self.result = how, result
        if self.parent is not None:
            self.simulation.after(0, self._tell_parent)

    def _tell_parent(self) -> None:
        parent = self.parent
        if parent is None or parent.closed:
            return
        activation = parent._activation()
        job = activation.jobs.add().resolve_child_workflow_execution
        job.seq = self.child_sequence
        if self.closed == "COMPLETED":
            job.result.completed.result.CopyFrom(_PAYLOADS.to_payload(self.result))
        else:
            ended = job.result.failed if self.closed == "FAILED" else job.result.cancelled
            ended.failure.message = "child"
            ended.failure.child_workflow_execution_failure_info.SetInParent()
            if self.closed == "FAILED":
                ended.failure.cause.CopyFrom(self.result)
            else:
                ended.failure.cause.canceled_failure_info.SetInParent()
        parent._activate(activation)


def _may_follow(other: Execution, policy: int) -> bool:
    if policy == _ALLOW_DUPLICATE:
        return bool(other.closed)
    return other.closed in ("FAILED", "CANCELLED", "TERMINATED")


def _argument_types(function: Any) -> tuple[Any, ...]:
    return _types_of(getattr(function, "__func__", function))


@cache  # of functions alone: a bound method would keep its object for good
def _types_of(function: Any) -> tuple[Any, ...]:
    hints = get_type_hints(function)
    hints.pop("return", None)
    return tuple(hints.values())


def _span(duration: Any) -> timedelta:
    return timedelta(seconds=duration.seconds, microseconds=duration.nanos // 1_000)


def _commands(completion: Any) -> list[Any]:
    return list(completion.successful.commands)


def _ignored(_value: Any) -> None:
    """Search attributes and the like change nothing here."""


def _time_of(activation: bytes) -> datetime:
    return WorkflowActivation.FromString(activation).timestamp.ToDatetime(UTC)


def _failure_of(error: Exception) -> Failure:
    failure = Failure()
    CONVERTER.failure_converter.to_failure(error, _PAYLOADS, failure)
    return failure
