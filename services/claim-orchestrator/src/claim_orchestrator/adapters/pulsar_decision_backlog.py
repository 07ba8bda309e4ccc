"""DecisionBacklog over Pulsar's admin interface: what the broker knows of the subscription."""

from datetime import UTC, datetime
from typing import Any

import httpx

from dict_common.kernel.errors import Unavailable
from dict_common.store.database import Database

TIMEOUT_SECONDS = 5.0


class PulsarDecisionBacklog:
    """Asks the broker, and makes sure that a consumer and the database are there at all."""

    def __init__(
        self, client: httpx.AsyncClient, topic: str, subscription: str, database: Database
    ) -> None:
        """`topic`: full name, `persistent://tenant/namespace/name`, partitioned."""
        self._client = client
        self._path = f"/admin/v2/{topic.replace('://', '/')}/partitioned-stats"
        self._subscription = subscription
        self._database = database

    async def oldest_unacknowledged(self) -> datetime | None:
        """Publish time of the oldest decision that is not stored yet."""
        await self._database.ping()
        try:
            return self._oldest(await self._stats())
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise Unavailable("broker-away", f"stats of another shape: {error!r}") from None

    def _oldest(self, stats: dict[str, Any]) -> datetime | None:
        partitions = stats.get("partitions", {})
        oldest: list[datetime] = []
        consumers = 0
        for partition in partitions.values():
            subscription = partition.get("subscriptions", {}).get(self._subscription)
            if subscription is None:
                continue
            consumers += len(subscription.get("consumers", ()))
            if subscription.get("msgBacklog", 0) > 0:
                millis = subscription.get("earliestMsgPublishTimeInBacklog", 0)
                oldest.append(datetime.fromtimestamp(millis / 1000, UTC))
        if consumers == 0:
            raise Unavailable("consumer-away", f"nobody consumes {self._subscription}")
        return min(oldest, default=None)

    async def _stats(self) -> dict[str, Any]:
        wanted = {
            "perPartition": "true",
            "getPreciseBacklog": "true",
            "getEarliestTimeInBacklog": "true",
        }
        try:
            answer = await self._client.get(self._path, params=wanted)
            answer.raise_for_status()
            stats: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable("broker-away", f"partitioned-stats: {type(error).__name__}") from None
        return stats
