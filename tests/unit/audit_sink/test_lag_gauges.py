"""The gauges of the lag tell what the broker said, or nothing: never an old number."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from audit_sink.adapters.lag_gauges import LagGauges
from dict_common.bus.backlog import EPOCH, Backlog, Backlogs, Waiting
from dict_common.kernel.errors import Unavailable
from dict_common.telemetry import metrics
from dict_common.testing.clock import FixedClock

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
NAME = "unit.lag"
WAITING = (Waiting("p-1", "me", 3),)
heard: list[tuple[Waiting, ...]] = []


class Told:
    """A broker with prepared answers."""

    def __init__(self, *answers: Backlog | Exception) -> None:
        self.answers = list(answers)

    async def of_namespace(self, namespace: str, subscription: str) -> Backlog:
        """The next one."""
        assert (namespace, subscription) == ("t/events", NAME)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def gauges(*answers: Backlog | Exception) -> LagGauges:
    """Over them."""
    heard.clear()

    async def looked(waiting: Sequence[Waiting]) -> None:
        heard.append(tuple(waiting))

    told = cast("Backlogs", Told(*answers))
    return LagGauges(told, "t/events", NAME, FixedClock(NOW), looked)


def shown() -> tuple[float | None, float | None]:
    """Messages and seconds; None: no series."""
    of = {"consumer": NAME}
    return (
        metrics.REGISTRY.get_sample_value("dict_consumer_lag_messages", of),
        metrics.REGISTRY.get_sample_value("dict_consumer_lag_seconds", of),
    )


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    gauges().forget()


async def test_before_the_first_look_nothing_is_told() -> None:
    assert shown() == (None, None)


async def test_backlog_and_the_age_of_its_oldest() -> None:
    look = gauges(Backlog(7, NOW - timedelta(seconds=90), 1), Backlog(0, None, 1))
    await look()
    assert shown() == (7, 90)
    await look()
    assert shown() == (0, 0)


async def test_a_publisher_whose_clock_is_ahead_makes_no_negative_age() -> None:
    await gauges(Backlog(1, NOW + timedelta(seconds=5), 1))()
    assert shown() == (1, 0)


async def test_who_waits_is_heard_of_at_each_look_that_succeeds() -> None:
    look = gauges(Backlog(7, NOW, 1, WAITING), Unavailable("broker-away", "x"), Backlog(0, None, 1))
    await look()
    with pytest.raises(Unavailable):
        await look()
    await look()
    assert heard == [WAITING, ()]


async def test_an_age_that_the_broker_cannot_tell_is_not_told() -> None:
    look = gauges(Backlog(7, NOW, 1), Backlog(7, EPOCH, 1))
    await look()
    await look()
    assert shown() == (7, None)


@pytest.mark.parametrize("failure", [Unavailable("broker-away", "x"), RuntimeError("defect")])
async def test_a_failed_look_leaves_no_old_number(failure: Exception) -> None:
    look = gauges(Backlog(7, NOW, 1), failure)
    await look()
    with pytest.raises(type(failure)):
        await look()
    assert shown() == (None, None)


async def test_a_look_that_takes_too_long_leaves_no_old_number() -> None:
    look = gauges(Backlog(7, NOW, 1), TimeoutError())
    await look()
    with pytest.raises(Unavailable, match="broker-away"):
        await look()
    assert shown() == (None, None)
