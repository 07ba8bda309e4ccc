"""One seed from plan to line."""

import time

from tests.faults.judging import judge
from tests.faults.planning import plan_of
from tests.faults.playing import play
from tests.faults.results import Line, line_of
from tests.faults.stage import Stage, Watch


async def run_seed(seed: int, stage: Stage, commit: str) -> Line:
    """Plays and judges a seed. What goes wrong on the way is a broken seed too."""
    began = time.monotonic()
    plan = plan_of(seed)
    watch = Watch(stage.world)
    killed: list[str] = [f"{kill.target} ({kill.effect})" for kill in plan.kills]
    try:
        played = await play(plan, stage, watch)
        killed = played.kills
        verdict = await judge(played, stage, watch)
    except Exception as problem:  # noqa: BLE001 a runner that stops shows one broken seed only
        told = _told(problem)
        return Line(commit, seed, time.monotonic() - began, tuple(killed), (), "not seen", told)
    finally:
        watch.drop()
    return line_of(commit, seed, time.monotonic() - began, killed, verdict)


def _told(problem: BaseException) -> tuple[str, ...]:
    if isinstance(problem, BaseExceptionGroup):
        return tuple(line for one in problem.exceptions for line in _told(one))
    return (f"{type(problem).__name__}: {problem}",)
