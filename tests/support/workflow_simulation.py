"""Temporal without a server: executions of real workflow code over one virtual clock.

Activations are fed to the SDK's workflow instances by hand; timers, retries, children, signals,
updates, worker restarts and lost completions are events of one heap, so that thirty days pass in
milliseconds and a seed gives the same run again. The SDK's private doors stay in this module.
"""

import heapq
import itertools
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from temporalio.exceptions import ApplicationError

from tests.support.workflow_execution import Execution

Activity = Callable[[Any], Coroutine[Any, Any, Any]]

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVENTS_MAX = 20_000
"""A run that needs more than this has a loop in it."""


@dataclass(frozen=True)
class Chance:
    """What a scheduler may do to an activity: how long it takes, and whether its worker dies after
    it was done and before anybody heard."""

    seconds: float = 0.05
    lost: bool = False
    """Done, and the completion lost: it comes again after its timeout."""


@dataclass
class Simulation:
    """A server, its workers and the clock. `chance` is asked for each attempt of an activity."""

    workflows: Mapping[str, type]
    activities: Mapping[str, Activity] = field(default_factory=dict)
    chance: Callable[[str], Chance] = lambda _name: Chance()
    flags: frozenset[Any] = frozenset()
    now_: datetime = START
    executions: dict[str, Execution] = field(default_factory=dict)
    called: list[str] = field(default_factory=list)
    handled: int = 0
    workers_down: bool = False

    def __post_init__(self) -> None:
        """An empty heap."""
        self._heap: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._waiting: list[Callable[[], None]] = []
        self._runs = itertools.count(1)

    def now(self) -> datetime:
        """The virtual clock: a Clock."""
        return self.now_

    def new_run_id(self) -> str:
        """The same ones in every run of a seed."""
        return str(UUID(int=next(self._runs)))

    def at(self, instant: datetime, act: Callable[[], None]) -> None:
        """Something happens at that instant."""
        heapq.heappush(self._heap, (max(instant, self.now_), next(self._order), act))

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Something happens in so many seconds."""
        self.at(self.now_ + timedelta(seconds=seconds), act)

    def start(self, name: str, given: Any, id_: str, parent: Execution | None = None) -> Execution:
        """Starts a workflow."""
        execution = Execution(self, self.workflows[name], given, id_, parent)
        self.executions[id_] = execution
        execution.begin()
        return execution

    def signal(self, id_: str, name: str, *values: Any) -> bool:
        """Signals a running execution; False when none runs."""
        execution = self.executions.get(id_)
        if execution is None or execution.closed:
            return False
        execution.signal(name, values)
        return True

    def run(self, until: datetime | None = None) -> None:
        """Handles events up to an instant, or until nothing is left. Raises AssertionError for a
        run without end."""
        while self._heap and (until is None or self._heap[0][0] <= until):
            self.handled += 1
            assert self.handled < EVENTS_MAX, f"no end: {self.called[-20:]}"
            instant, _, act = heapq.heappop(self._heap)
            self.now_ = max(self.now_, instant)  # an attempt may take its time
            act()
        if until is not None:
            self.now_ = max(self.now_, until)

    def stop_workers(self) -> None:
        """Every worker is gone: nothing moves, and what arrives waits."""
        self.workers_down = True

    def start_workers(self) -> None:
        """Workers are back: executions are rebuilt from their histories, and go on."""
        self.workers_down = False
        for execution in list(self.executions.values()):
            if not execution.closed:
                execution.replay()
                execution.wake()
        taken, self._waiting = self._waiting, []
        for task in taken:
            self.after(0, task)

    def let_go(self) -> None:
        """It is over: nothing of it can be asked any more."""
        for execution in self.executions.values():
            execution.let_go()
        vars(self).clear()

    def attempt(self, execution: Execution, pending: "Pending") -> None:
        """One attempt of an activity, from a worker that takes it."""
        chance = self.chance(pending.name)
        self.after(chance.seconds, lambda: self._perform(execution, pending, chance))

    def _perform(self, execution: Execution, pending: "Pending", chance: Chance) -> None:
        if execution.closed or pending.sequence not in execution.pending:
            return
        if self.workers_down:
            self._waiting.append(lambda: self._perform(execution, pending, chance))
            return
        self.called.append(pending.name)
        pending.attempts += 1
        try:
            activity = self.activities[pending.name]
            value = answer_of(activity(execution.argument(pending, self.activities)))
        except ApplicationError as error:
            if error.non_retryable:
                execution.fail(pending, error)
            else:
                self._again(execution, pending, error, error.next_retry_delay)
        except Exception as error:  # noqa: BLE001 as Temporal does: any other error is retried
            self._again(execution, pending, error, None)
        else:
            if chance.lost:
                self._again(execution, pending, TimeoutError("lost"), pending.timeout)
            else:
                execution.complete(pending, value)

    def _again(
        self, execution: Execution, pending: "Pending", error: Exception, delay: timedelta | None
    ) -> None:
        wait = delay or pending.backoff()
        exhausted = pending.attempts_max and pending.attempts >= pending.attempts_max
        late = pending.give_up_at is not None and self.now_ + wait >= pending.give_up_at
        if exhausted or late:
            unanswered = late and isinstance(error, TimeoutError)
            instant = pending.give_up_at if unanswered and pending.give_up_at else self.now_
            self.at(instant, lambda: execution.exhaust(pending, error))
            return
        self.at(self.now_ + wait, lambda: self.attempt(execution, pending))


def answer_of(call: Coroutine[Any, Any, Any]) -> Any:
    """What a call over fakes answers: it never waits, so no loop has to turn for it."""
    try:
        call.send(None)
    except StopIteration as done:
        return done.value
    call.close()
    raise AssertionError("a fake waits for something")


@dataclass
class Pending:
    """An activity that a workflow waits for."""

    sequence: int
    name: str
    arguments: list[Any]
    timeout: timedelta
    initial: timedelta
    coefficient: float
    interval_max: timedelta | None
    attempts_max: int
    give_up_at: datetime | None
    attempts: int = 0
    argument: list[Any] = field(default_factory=list)

    def backoff(self) -> timedelta:
        """The server's wait before the next attempt."""
        wait = self.initial * self.coefficient ** min(self.attempts - 1, 20)
        return min(wait, self.interval_max) if self.interval_max else wait
