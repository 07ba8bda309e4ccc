"""What a subscription has not acknowledged yet, by the broker's admin interface."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

import httpx

from dict_common.kernel.errors import Unavailable

TOPICS_AT_ONCE_MAX = 4
EPOCH = datetime.fromtimestamp(0, UTC)


def open_admin(url: str, timeout_seconds: float) -> httpx.AsyncClient:
    """A client of the admin interface, to be closed; no proxy of the environment is asked."""
    return httpx.AsyncClient(base_url=url, timeout=timeout_seconds, trust_env=False)


class Waiting(NamedTuple):
    """A partition with messages that are not acknowledged. `consumer`: the name of the one that
    gets them, of a Failover subscription; `sent`: how many that one was sent so far."""

    partition: str
    consumer: str
    sent: int


class Backlog(NamedTuple):
    """Of one subscription. `messages` counts what the broker stores as one: our producers send
    each message by itself."""

    messages: int
    oldest: datetime | None
    """Publish time of the oldest; EPOCH where the broker cannot say; None if there is none."""
    consumers: int
    waiting: tuple[Waiting, ...] = ()


class Backlogs:
    """Asks the broker. Raises Unavailable, `broker-away`, for any answer that is none."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """`client`: of `open_admin`."""
        self._client = client

    async def of_topic(self, topic: str, subscription: str) -> Backlog:
        """`topic`: `persistent://tenant/namespace/name`, partitioned. One request."""
        stats = await self._get(
            f"{_path(topic)}/partitioned-stats",
            perPartition="true",
            getPreciseBacklog="true",
            getEarliestTimeInBacklog="true",
        )
        try:
            return _sum(_parts(stats, subscription))
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise Unavailable("broker-away", f"stats of another shape: {error!r}") from None

    async def of_namespace(self, namespace: str, subscription: str) -> Backlog:
        """`namespace`: `tenant/name`. Of all partitioned topics in it that the subscription is on:
        one request, and one for each topic, a few at once."""
        names = await self._get(f"/admin/v2/persistent/{namespace}/partitioned")
        if not isinstance(names, list):
            raise Unavailable("broker-away", "a list of topics of another shape")
        turn = asyncio.Semaphore(TOPICS_AT_ONCE_MAX)

        async def of_topic(name: str) -> Backlog:
            async with turn:
                return await self.of_topic(name, subscription)

        return _sum(await asyncio.gather(*(of_topic(str(name)) for name in names)))

    async def _get(self, path: str, **wanted: str) -> Any:
        try:
            answer = await self._client.get(path, params=wanted)
            answer.raise_for_status()
            return answer.json()
        except (httpx.HTTPError, ValueError) as error:
            what = path.rpartition("/")[2]
            raise Unavailable("broker-away", f"{what}: {type(error).__name__}") from None


def _path(topic: str) -> str:
    return f"/admin/v2/{topic.replace('://', '/')}"


def _parts(stats: Any, subscription: str) -> Iterable[Backlog]:
    partitions = cast("dict[str, dict[str, Any]]", stats.get("partitions", {}))
    for name, partition in partitions.items():
        found = partition.get("subscriptions", {}).get(subscription)
        if found is None:
            continue
        messages = int(found.get("msgBacklog", 0))
        oldest = None
        if messages > 0:
            millis = found.get("earliestMsgPublishTimeInBacklog", 0)
            oldest = max(EPOCH, datetime.fromtimestamp(millis / 1000, UTC))
        consumers = found.get("consumers", ())
        waiting = tuple(
            Waiting(name, str(it.get("consumerName")), int(it.get("msgOutCounter", 0)))
            for it in consumers
            if messages > 0 and it.get("consumerName") == found.get("activeConsumerName")
        )
        yield Backlog(messages, oldest, len(consumers), waiting)


def _sum(parts: Iterable[Backlog]) -> Backlog:
    known = list(parts)
    return Backlog(
        sum(it.messages for it in known),
        min((it.oldest for it in known if it.oldest is not None), default=None),
        sum(it.consumers for it in known),
        tuple(waiting for it in known for waiting in it.waiting),
    )
