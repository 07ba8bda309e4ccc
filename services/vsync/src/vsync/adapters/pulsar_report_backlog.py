"""ReportBacklog over Pulsar's admin interface."""

from datetime import datetime

from dict_common.bus.backlog import Backlogs
from dict_common.kernel.errors import Unavailable


class PulsarReportBacklog:
    """What the broker knows of one subscription."""

    def __init__(self, backlogs: Backlogs, topic: str, subscription: str) -> None:
        """`topic`: `persistent://tenant/namespace/name`, partitioned."""
        self._backlogs = backlogs
        self._topic = topic
        self._subscription = subscription

    async def oldest_unread(self) -> datetime | None:
        """Raises Unavailable, also where nobody consumes."""
        backlog = await self._backlogs.of_topic(self._topic, self._subscription)
        if backlog.consumers == 0:
            raise Unavailable("consumer-away", f"nobody consumes {self._subscription}")
        return backlog.oldest
