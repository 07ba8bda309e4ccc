"""What the admin interface's answers mean, and that every other answer is Unavailable."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from dict_common.bus.backlog import EPOCH, Backlog, Backlogs, Waiting
from dict_common.kernel.errors import Unavailable

OLD = datetime(2026, 1, 31, 12, tzinfo=UTC)
NAME = "audit-sink.events"
TOPICS = ["persistent://t/events/a", "persistent://t/events/b"]


def partition(backlog: int, oldest: datetime | None = None, name: str = NAME) -> dict[str, Any]:
    """As the broker tells it, so far as it is read."""
    millis = 0 if oldest is None else int(oldest.timestamp() * 1000)
    told = {
        "msgBacklog": backlog,
        "earliestMsgPublishTimeInBacklog": millis,
        "consumers": [{"consumerName": "one"}],
    }
    return {"subscriptions": {name: told}}


def stats(*partitions: dict[str, Any]) -> dict[str, Any]:
    """Of a partitioned topic."""
    return {"partitions": {f"p-{number}": it for number, it in enumerate(partitions)}}


def backlogs(answers: dict[str, Any]) -> Backlogs:
    """Over a broker that has these answers by the end of their path."""

    def answer(request: httpx.Request) -> httpx.Response:
        (found,) = [it for end, it in answers.items() if request.url.path.endswith(end)]
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

    transport = httpx.MockTransport(answer)
    return Backlogs(httpx.AsyncClient(base_url="http://broker", transport=transport))


async def test_partitions_and_topics_are_summed_and_the_oldest_counts() -> None:
    asked = backlogs(
        {
            "/t/events/partitioned": TOPICS,
            "/a/partitioned-stats": stats(partition(3, OLD), partition(0)),
            "/b/partitioned-stats": stats(
                partition(4, OLD.replace(hour=13)), partition(9, OLD, "x")
            ),
        }
    )
    assert await asked.of_namespace("t/events", NAME) == Backlog(7, OLD, 3)
    assert await asked.of_topic(TOPICS[0], NAME) == Backlog(3, OLD, 2)


async def test_who_gets_what_waits() -> None:
    waits, done = partition(3, OLD), partition(0)
    for it in (waits, done):
        it["subscriptions"][NAME] |= {
            "activeConsumerName": "two",
            "consumers": [
                {"consumerName": "one", "msgOutCounter": 5},
                {"consumerName": "two", "msgOutCounter": 8},
            ],
        }
    asked = backlogs({"/a/partitioned-stats": stats(done, waits)})
    assert (await asked.of_topic(TOPICS[0], NAME)).waiting == (Waiting("p-1", "two", 8),)


async def test_nothing_waits() -> None:
    asked = backlogs({"/partitioned": TOPICS[:1], "/a/partitioned-stats": stats(partition(0))})
    assert await asked.of_namespace("t/events", NAME) == Backlog(0, None, 1)


async def test_a_message_without_its_time_counts_as_of_the_epoch() -> None:
    asked = backlogs({"/a/partitioned-stats": stats(partition(1), partition(2, OLD))})
    assert await asked.of_topic(TOPICS[0], NAME) == Backlog(3, EPOCH, 2)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
        [1],
        stats({"subscriptions": {NAME: {"msgBacklog": "many"}}}),
        stats({"subscriptions": {NAME: None}}, partition(1, OLD), {"subscriptions": 7}),
    ],
    ids=["500", "no JSON", "no stats", "no number", "no subscriptions"],
)
async def test_any_other_answer_is_no_backlog(answer: Any) -> None:
    asked = backlogs({"/t/events/partitioned": TOPICS[:1], "/a/partitioned-stats": answer})
    with pytest.raises(Unavailable, match="broker-away"):
        await asked.of_namespace("t/events", NAME)


async def test_a_list_of_topics_that_is_none() -> None:
    with pytest.raises(Unavailable, match="broker-away"):
        await backlogs({"/partitioned": {"reason": "no"}}).of_namespace("t/events", NAME)
