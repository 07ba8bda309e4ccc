"""Plays a plan: the world does what the plan says; what it did is kept for the judge."""

import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from temporalio.worker._workflow_instance import _WorkflowLogicFlag as Flag

from claim_orchestrator.application.claim_mail import GivenDecision
from claim_orchestrator.application.claim_process import (
    CLAIM_DECISION_SIGNAL,
    CLAIM_DECISION_UPDATE,
    CLAIM_OPERATOR_SIGNAL,
    workflow_id,
)
from claim_orchestrator.application.claim_records import OperatorOrder
from tests.support.claim_schedules import (
    DAY,
    HOLDING,
    TROUBLES,
    Act,
    Again,
    Away,
    Decide,
    Donor,
    Mishap,
    Order,
    Outage,
    Plan,
    Prove,
    Stop,
)
from tests.support.claim_simulation import CLAIM, ClaimStage
from tests.support.ruled_directory import Trouble
from tests.support.workflow_simulation import START, Chance

_SINGLE = frozenset({Flag.PROCESS_WORKFLOW_ACTIVATION_JOBS_AS_SINGLE_BATCH})
_QUICK = Chance()
_IDS = 1_000


@dataclass
class Sent:
    """A decision on its way; `taken` when the consumer had it first."""

    ce_id: UUID
    deed: Decide
    decided_at: datetime
    published_at: datetime
    taken: datetime | None = None


@dataclass
class Life:
    """What happened while a plan was played."""

    plan: Plan
    stage: ClaimStage
    sent: list[Sent] = field(default_factory=list)
    updates: list[str] = field(default_factory=list)
    ordered: list[str] = field(default_factory=list)
    heard: int = 0
    """How many orders of operators the claim's workflow was given."""
    proofs: list[tuple[datetime, datetime]] = field(default_factory=list)
    """(validated, arrived)."""
    away: list[tuple[datetime, datetime]] = field(default_factory=list)
    changes: list[tuple[datetime, str]] = field(default_factory=list)
    """What the donor did with effect."""
    troubled_until: datetime = START
    """The last instant at which anything went wrong, workers and broker included."""
    held: bool = False
    """DICT refused something for a reason that nobody repeats at once."""
    restarts: int = 0
    troubles: Counter[str] = field(default_factory=Counter)

    def trouble(self, until: datetime) -> None:
        """Something was wrong up to then."""
        self.troubled_until = max(self.troubled_until, until)


class Player:
    """One plan, played once."""

    def __init__(self, plan: Plan) -> None:
        self.stage = ClaimStage(plan.claim_type)
        self.life = Life(plan, self.stage)
        self._plan = plan
        self._clock = self.stage.simulation
        self._calls: Counter[str] = Counter()
        self._attempts: Counter[str] = Counter()
        self._mishaps = {(it.activity, it.nth): it for it in plan.mishaps}
        self._outages: list[Outage] = []
        self._down = self._gone = 0
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._opening = START + timedelta(milliseconds=plan.opens_ms)
        self.stage.twice = lambda: plan.twice
        self.stage.told.away = plan.nobody_told
        self.stage.directory.trouble = self._trouble
        self._clock.chance = self._chance
        if plan.single_batch:
            self._clock.flags = _SINGLE

    def play(self) -> Life:
        """From before the claim's command until nothing happens any more."""
        self._at(0, self._open)
        for act in self._plan.acts:
            self._at(act.day * DAY + act.ms, lambda act=act: self._do(act))  # type: ignore[misc]
        while self._heap:
            ms, _, do = heapq.heappop(self._heap)
            self._wait_for(ms)
            do()
        self.stage.finish()
        return self.life

    def _open(self) -> None:
        self.stage.open()

    def _at(self, ms: int, do: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (ms, next(self._order), do))

    def _later(self, ms: int, do: Callable[[], None]) -> None:
        passed = (self._clock.now_ - self._origin()) // timedelta(milliseconds=1)
        self._at(passed + ms, do)

    def _origin(self) -> datetime:
        claims = self.stage.directory.claims
        return self.stage.day(0) if claims else self._opening

    def _wait_for(self, ms: int) -> None:
        """DICT may open the claim meanwhile, and then its instants count."""
        while True:
            instant = self._origin() + timedelta(milliseconds=ms)
            self.stage.run_to(instant)
            if self._clock.now_ >= self._origin() + timedelta(milliseconds=ms):
                return

    def _do(self, act: Act) -> None:
        match act.deed:
            case Donor(action, reason):
                if self.stage.donor(action, reason):
                    self.life.changes.append((self._clock.now_, action))
            case Decide() as deed:
                self._decide(deed)
            case Again(which, changed):
                self._again(which, changed)
            case Prove(held_ms):
                made = self._clock.now_
                self._send(held_ms, lambda: self._prove(made))
            case Order(reason):
                self._give(reason)
            case Stop(ms):
                self._stop(ms)
            case Away(ms):
                self._go(ms)
            case Outage() as outage:
                self._outages.append(outage)
                self._later(outage.ms, lambda: self._outages.remove(outage))

    def _decide(self, deed: Decide) -> None:
        now = self._clock.now_
        ce_id = UUID(int=_IDS + len(self.life.sent))
        sent = Sent(ce_id, deed, now + timedelta(milliseconds=deed.decided_ms), now)
        running = workflow_id(CLAIM) in self._clock.executions and not self.stage.execution.closed
        if deed.door == "signal":
            self._clock.signal(workflow_id(CLAIM), CLAIM_DECISION_SIGNAL, deed.word == "ACCEPT")
        elif deed.door == "update":
            if running:
                given = GivenDecision(deed.word, "user-1", deed.reason, sent.decided_at)
                self.life.updates.append(str(ce_id))
                self.stage.execution.update(str(ce_id), CLAIM_DECISION_UPDATE, given)
        else:
            self.life.sent.append(sent)
            self._send(deed.held_ms, lambda: self._take(sent))
            return
        self.life.sent.append(sent)

    def _send(self, held_ms: int, take: Callable[[], None]) -> None:
        """By the topic: taken at once, or after so long at the broker."""
        if held_ms == 0:
            take()
            return
        published_at = self._clock.now_
        self.stage.broker.waiting.append(published_at)
        self._later(held_ms, lambda: self._hand_over(published_at, take))

    def _hand_over(self, published_at: datetime, take: Callable[[], None]) -> None:
        """A broker that is away hands nothing over."""
        if self.stage.broker.away:
            self._later(1_000, lambda: self._hand_over(published_at, take))
            return
        take()
        self.stage.broker.waiting.remove(published_at)

    def _prove(self, made: datetime) -> None:
        self.stage.prove(made)
        self.life.proofs.append((made, self._clock.now_))

    def _take(self, sent: Sent) -> None:
        sent.taken = sent.taken or self._clock.now_
        deed = sent.deed
        self.stage.take(deed.word, sent.ce_id, sent.decided_at, deed.reason, sent.published_at)

    def _again(self, which: int, changed: bool) -> None:
        taken = [it for it in self.life.sent if it.taken is not None]
        if which >= len(taken):
            return
        sent = taken[which]
        word, reason = sent.deed.word, sent.deed.reason
        other = "ACCEPT" if word == "REFUSE" else "REFUSE"
        self.stage.take(
            other if changed else word, sent.ce_id, sent.decided_at, reason, sent.published_at
        )

    def _give(self, reason: str | None) -> None:
        if workflow_id(CLAIM) not in self._clock.executions:
            return
        verb = "CLAIM_RESUME" if reason is None else "CLAIM_CANCEL"
        id_ = UUID(int=_IDS * _IDS + len(self.life.ordered))
        self.life.ordered.append(reason or "")
        order = OperatorOrder(id_, verb, reason)
        self._clock.after(0, lambda: self._signal(order))

    def _signal(self, order: OperatorOrder) -> None:
        self.life.heard += self._clock.signal(workflow_id(CLAIM), CLAIM_OPERATOR_SIGNAL, order)

    def _stop(self, ms: int) -> None:
        self._down += 1
        self._clock.stop_workers()
        self._later(ms, self._start)

    def _start(self) -> None:
        self._down -= 1
        if self._down == 0:
            self._clock.start_workers()
            self.life.restarts += 1
            self.life.trouble(self._clock.now_)

    def _go(self, ms: int) -> None:
        self._gone += 1
        self.stage.broker.away = True
        since = self._clock.now_
        self._later(ms, lambda: self._back(since))

    def _back(self, since: datetime) -> None:
        self._gone -= 1
        self.stage.broker.away = self._gone > 0
        self.life.away.append((since, self._clock.now_))

    def _trouble(self, operation: str) -> Trouble | None:
        number = self._calls[operation]
        self._calls[operation] += 1
        for stumble in self._plan.stumbles:
            within = stumble.nth <= number < stumble.nth + stumble.count
            if stumble.operation == operation and within:
                return self._goes_wrong(stumble.trouble)
        for outage in self._outages:
            if outage.operation in ("", operation):
                return self._goes_wrong(outage.trouble)
        return None

    def _goes_wrong(self, name: str) -> Trouble:
        self.life.troubles[name] += 1
        self.life.held |= name in HOLDING
        self.life.trouble(self._clock.now_)
        return TROUBLES[name]

    def _chance(self, activity: str) -> Chance:
        if not self._mishaps:
            return _QUICK
        number = self._attempts[activity]
        self._attempts[activity] += 1
        mishap: Mishap | None = self._mishaps.get((activity, number))
        if mishap is None:
            return _QUICK
        self.life.troubles["mishap"] += 1
        self.life.trouble(self._clock.now_ + timedelta(seconds=30))
        return Chance(lost=True) if mishap.seconds == 0 else Chance(seconds=mishap.seconds)
