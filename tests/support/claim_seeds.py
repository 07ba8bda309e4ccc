"""Plays seeds by the thousand and counts what they came to."""

import gc
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.support.claim_oracle import wrongs
from tests.support.claim_player import Player
from tests.support.claim_schedules import Plan, seeded

COLLECT_EVERY = 100
AGAIN = "./dev run python -m benchmarks claims-simulation --seed {seed} --schedules 1"


@dataclass
class Tally:
    """What a range of seeds came to."""

    schedules: int = 0
    seconds: float = 0.0
    """Of a processor."""
    ends: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    failures: dict[int, list[str]] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Another range."""
        self.schedules += other.schedules
        self.seconds += other.seconds
        self.ends += other.ends
        self.counts += other.counts
        self.failures |= other.failures

    def report(self) -> str:
        """Each failure, and how to see it alone."""
        lines = []
        for seed, found in sorted(self.failures.items()):
            lines += [f"seed {seed}: {AGAIN.format(seed=seed)}", *(f"  {it}" for it in found)]
        return "\n".join(lines)


def play(plan: Plan, tally: Tally) -> list[str]:
    """Plays and judges one plan; what is wrong with it."""
    player = Player(plan)
    try:
        found = wrongs(player.play())
    except Exception:  # noqa: BLE001 a crash of whatever kind is a finding, told with its seed
        found = [traceback.format_exc(limit=-4)]
    life, stage = player.life, player.stage
    tally.schedules += 1
    tally.ends[f"{plan.claim_type} {stage.row.status} {stage.row.resolution_type}"] += 1
    tally.counts["workflow tasks"] += sum(
        len(it.history) for it in stage.simulation.executions.values()
    )
    tally.counts["activities"] += len(stage.simulation.called)
    tally.counts["worker restarts"] += life.restarts
    tally.counts["calls and activities that went wrong"] += life.troubles.total()
    for outcome in stage.claims.outcomes.values():
        tally.counts["decisions accepted" if outcome == "accepted" else "decisions refused"] += 1
    tally.counts["decisions refused at the door"] += len(stage.refusals)
    _let_go(player)
    return found


def _let_go(player: Player) -> None:
    """Takes apart what holds itself, so that little is left for the collector to search."""
    stage = player.stage
    stage.simulation.let_go()
    for part in (stage, player):
        vars(part).clear()


def play_range(first: int, end: int) -> Tally:
    """Seeds from `first` on, before `end`."""
    return play_seeds(range(first, end))


def play_seeds(seeds: Iterable[int]) -> Tally:
    """Plays them one after another. Cycles of a dead stage are collected in bites."""
    tally, began = Tally(), time.process_time()
    was = gc.isenabled()
    gc.disable()
    gc.collect()
    gc.freeze()  # what was loaded so far is looked at no more
    try:
        for number, seed in enumerate(seeds):
            found = play(seeded(seed), tally)
            if found:
                tally.failures[seed] = found
            if number % COLLECT_EVERY == COLLECT_EVERY - 1:
                gc.collect()
    finally:
        gc.unfreeze()
        if was:
            gc.enable()
    tally.seconds = time.process_time() - began
    return tally
