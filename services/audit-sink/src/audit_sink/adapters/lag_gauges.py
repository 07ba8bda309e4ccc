"""How far the sink is behind, as the broker tells it, in metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from dict_common.bus.backlog import EPOCH, Backlog, Backlogs, Waiting
from dict_common.kernel.clock import Clock
from dict_common.kernel.errors import Unavailable
from dict_common.telemetry import metrics

LOOK_SECONDS_MAX = 5.0


class LagGauges:
    """A look a call. Raises Unavailable; then no number stands rather than an old one."""

    def __init__(
        self,
        backlogs: Backlogs,
        namespace: str,
        subscription: str,
        clock: Clock,
        looked: Callable[[Sequence[Waiting]], Awaitable[None]],
    ) -> None:
        """`namespace`: `tenant/name`; `looked` hears of every look that succeeded."""
        self._backlogs = backlogs
        self._namespace = namespace
        self._subscription = subscription
        self._clock = clock
        self._looked = looked

    async def __call__(self) -> None:
        """At most five seconds."""
        try:
            async with asyncio.timeout(LOOK_SECONDS_MAX):
                backlog = await self._backlogs.of_namespace(self._namespace, self._subscription)
        except TimeoutError:
            self.forget()
            raise Unavailable("broker-away", "the look at the backlog takes too long") from None
        except BaseException:
            self.forget()
            raise
        self._show(backlog)
        await self._looked(backlog.waiting)

    def forget(self) -> None:
        """Nobody knows how far behind the sink is."""
        for gauge in (metrics.consumer_lag, metrics.consumer_lag_seconds):
            gauge.remove_by_labels({"consumer": self._subscription})

    def _show(self, backlog: Backlog) -> None:
        metrics.consumer_lag.labels(self._subscription).set(backlog.messages)
        if backlog.oldest == EPOCH:
            metrics.consumer_lag_seconds.remove_by_labels({"consumer": self._subscription})
            return
        now = self._clock.now()
        seconds = (now - (backlog.oldest or now)).total_seconds()
        metrics.consumer_lag_seconds.labels(self._subscription).set(max(0.0, seconds))
