"""Whole claims under random schedules: ten thousand seeds, and some drawn by Hypothesis, which
shrinks what it finds.
"""

from concurrent.futures import ProcessPoolExecutor

from hypothesis import HealthCheck, given, settings

from tests.support.claim_schedules import Plan, plans
from tests.support.claim_seeds import Tally, play, play_range, play_seeds

SEEDS, BITE, PROCESSES = 10_000, 500, 2
DRAWN = 200
ONCE_WRONG = (45176, 305294, 309079, 421572, 522460, 696367, 708753)
"""Found by the million."""


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


def test_seeds_that_were_wrong_once() -> None:
    tally = play_seeds(ONCE_WRONG)
    assert not tally.failures, "\n" + tally.report()


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
