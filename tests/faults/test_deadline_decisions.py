"""Decisions around a deadline, and a Bridge that is away over it, on real servers."""

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from devstack.stack import Stack
from tests.faults.plan import OWNERSHIP, PORTABILITY
from tests.faults.scene import SECONDS_MAX, scene_on
from tests.faults.stage import Stage, make_stage, pause, seen

MILLISECOND = timedelta(milliseconds=1)
DAY_SECONDS = 4
OUTAGE_DAYS = 3


@pytest.fixture(scope="module")
def stage(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A world in which everything of ours runs."""
    folder = tmp_path_factory.mktemp("deadlines")
    with make_stage(stack, folder, DICT_CLAIM_DAY_SECONDS=str(DAY_SECONDS)) as made:
        yield made


@pytest.mark.parametrize("late_first", [True, False])
async def test_decision_a_millisecond_before_the_deadline_wins_over_one_after_it(
    stage: Stage, late_first: bool
) -> None:
    async with scene_on(stage) as scene:
        claim = await scene.opens(PORTABILITY if late_first else OWNERSHIP)
        deadline = await scene.has_deadline_in(6.0, claim)
        assert stage.world.stop("worker") == 0
        await scene.passes(deadline)
        instants = [deadline + MILLISECOND, deadline - MILLISECOND]
        told = {
            instant: await scene.decides(claim, instant)
            for instant in (instants if late_first else reversed(instants))
        }
        await scene.are_stored(*told.values())
        stage.world.start("worker")
        assert await scene.end(claim) == ("CANCELLED", "CANCELLED")
        before, after = told[deadline - MILLISECOND], told[deadline + MILLISECOND]
        assert await scene.outcome(before) == "accepted"
        assert await scene.outcome(after) == "refused:decision-late"
        assert await scene.rejection(after) == "decision-late"
        assert await scene.cancellations(claim) == 1
        assert await scene.broken_promises() == []


async def test_bridge_away_for_three_days_over_a_deadline(stage: Stage) -> None:
    def overdue() -> float:
        address = stage.world.processes["consumer"].address
        text = httpx.get(f"http://{address}/metrics", trust_env=False).text
        found = re.search(r"^claim_orchestrator_claims_overdue (\S+)$", text, re.MULTILINE)
        assert found is not None
        return float(found.group(1))

    async with scene_on(stage) as scene:
        claims = {type_: await scene.opens(type_) for type_ in (PORTABILITY, OWNERSHIP)}
        # The gauge is read now and then: it may still count what an earlier test left overdue.
        assert await seen(lambda: overdue() == 0, SECONDS_MAX)
        deadline = await scene.has_deadline_in(5.0, *claims.values())
        scene.dicts.outage(on=True)
        await scene.passes(deadline)
        assert await seen(lambda: overdue() == len(claims), SECONDS_MAX)
        await pause(DAY_SECONDS * OUTAGE_DAYS - 5.0)
        scene.dicts.outage(on=False)
        for claim in claims.values():
            assert await scene.end(claim) == ("CANCELLED", "TIMEOUT")
            assert await scene.cancellations(claim) == 1
        assert await seen(lambda: overdue() == 0, SECONDS_MAX)
        assert await scene.broken_promises() == []
