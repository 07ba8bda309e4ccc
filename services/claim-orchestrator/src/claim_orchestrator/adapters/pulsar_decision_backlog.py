"""DecisionBacklog over Pulsar's admin interface: what the broker knows of the subscriptions."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from dict_common.bus.backlog import Backlogs
from dict_common.kernel.errors import Unavailable
from dict_common.store.database import Database


class PulsarDecisionBacklog:
    """Asks the broker, and makes sure that a consumer and the database are there at all."""

    def __init__(self, backlogs: Backlogs, read: Mapping[str, str], database: Database) -> None:
        """`read`: subscription to its topic, `persistent://tenant/namespace/name`, partitioned."""
        self._backlogs = backlogs
        self._read = read
        self._database = database

    async def oldest_unacknowledged(self) -> datetime | None:
        """Publish time of the oldest decision or proof that is not stored yet."""
        await self._database.ping()
        waits = await asyncio.gather(*(self._waits(*it) for it in self._read.items()))
        return min((at for at in waits if at is not None), default=None)

    async def _waits(self, subscription: str, topic: str) -> datetime | None:
        backlog = await self._backlogs.of_topic(topic, subscription)
        if backlog.consumers == 0:
            raise Unavailable("consumer-away", f"nobody consumes {subscription}")
        return backlog.oldest
