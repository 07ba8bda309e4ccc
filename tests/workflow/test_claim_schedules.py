"""Whole claims under random schedules: ten thousand seeds, and some drawn by Hypothesis, which
shrinks what it finds.
"""

from concurrent.futures import ProcessPoolExecutor

from hypothesis import HealthCheck, given, settings

from tests.support.claim_schedules import Plan, plans
from tests.support.claim_seeds import Tally, play, play_range

SEEDS, BITE, PROCESSES = 10_000, 500, 2
DRAWN = 200


def test_ten_thousand_seeds() -> None:
    tally = Tally()
    starts = range(0, SEEDS, BITE)
    with ProcessPoolExecutor(PROCESSES) as pool:
        for part in pool.map(play_range, starts, (it + BITE for it in starts)):
            tally.add(part)
    assert not tally.failures, "\n" + tally.report()
    assert tally.schedules == SEEDS
    ways = {end.split(" ", 1)[1] for end in tally.ends}
    assert ways == {
        "COMPLETED APPROVED",
        "CANCELLED REJECTED",
        "CANCELLED CANCELLED",
        "CANCELLED TIMEOUT",
        "FAILED ERROR",
    }


@settings(
    max_examples=DRAWN,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(plans())
def test_drawn_schedules(plan: Plan) -> None:
    assert play(plan, Tally()) == []
