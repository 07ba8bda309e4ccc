"""DecisionBacklog over Pulsar's admin interface: what the broker knows of the subscriptions."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from dict_common.kernel.errors import Unavailable
from dict_common.store.database import Database

TIMEOUT_SECONDS = 5.0


class PulsarDecisionBacklog:
    """Asks the broker, and makes sure that a consumer and the database are there at all."""

    def __init__(
        self, client: httpx.AsyncClient, read: Mapping[str, str], database: Database
    ) -> None:
        """`read`: subscription to its topic, `persistent://tenant/namespace/name`, partitioned."""
        self._client = client
        self._read = read
        self._database = database

    async def oldest_unacknowledged(self) -> datetime | None:
        """Publish time of the oldest decision or proof that is not stored yet."""
        await self._database.ping()
        waits = await asyncio.gather(*(self._waits(*it) for it in self._read.items()))
        return min((at for at in waits if at is not None), default=None)

    async def _waits(self, subscription: str, topic: str) -> datetime | None:
        stats = await self._stats(topic)
        try:
            return _oldest(stats, subscription)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise Unavailable("broker-away", f"stats of another shape: {error!r}") from None

    async def _stats(self, topic: str) -> dict[str, Any]:
        path = f"/admin/v2/{topic.replace('://', '/')}/partitioned-stats"
        wanted = {
            "perPartition": "true",
            "getPreciseBacklog": "true",
            "getEarliestTimeInBacklog": "true",
        }
        try:
            answer = await self._client.get(path, params=wanted)
            answer.raise_for_status()
            stats: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable("broker-away", f"partitioned-stats: {type(error).__name__}") from None
        return stats


def _oldest(stats: dict[str, Any], name: str) -> datetime | None:
    oldest: list[datetime] = []
    consumers = 0
    for partition in stats.get("partitions", {}).values():
        subscription = partition.get("subscriptions", {}).get(name)
        if subscription is None:
            continue
        consumers += len(subscription.get("consumers", ()))
        if subscription.get("msgBacklog", 0) > 0:
            millis = subscription.get("earliestMsgPublishTimeInBacklog", 0)
            oldest.append(datetime.fromtimestamp(millis / 1000, UTC))
    if consumers == 0:
        raise Unavailable("consumer-away", f"nobody consumes {name}")
    return min(oldest, default=None)
