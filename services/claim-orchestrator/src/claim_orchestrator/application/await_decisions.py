"""Before a default action: decisions that were sent in time and wait at the broker come first."""

import asyncio
from datetime import datetime, timedelta
from enum import StrEnum

from claim_orchestrator.application.claim_records import Barrier
from claim_orchestrator.application.ports import DecisionBacklog
from dict_common.kernel.clock import Clock
from dict_common.kernel.errors import Unavailable

BEHIND_MAX = timedelta(seconds=60)
"""How long a consumer that works may be behind, from the moment that all servers answer."""
UNSEEN_MAX = timedelta(seconds=30)
"""A pause between two looks after which nobody knows whether the servers answered meanwhile."""
LOOK_EVERY = timedelta(seconds=1)
"""One look at the broker serves all claims of a worker whose deadline has come."""


class Passed(StrEnum):
    """Why the default action may be taken; `wait` if it may not yet."""

    DRAINED = "drained"
    """No decision from before the deadline waits any more."""
    BEHIND = "behind"
    """The consumer works and did not catch up within a minute."""
    AWAY = "away"
    """A server was away for the whole grace: acted on all the same, and alarmed."""
    WAIT = "wait"


class AwaitDecisions:
    """One for each worker process: remembers since when broker, consumer and database answer."""

    def __init__(self, backlog: DecisionBacklog, clock: Clock) -> None:
        self._backlog = backlog
        self._clock = clock
        self._looked: tuple[datetime, datetime] | None = None
        self._oldest: datetime | None = None
        self._answering_since: datetime | None = None
        self._looking = asyncio.Lock()

    async def __call__(self, barrier: Barrier) -> Passed:
        """Never raises Unavailable: a server that is away is an answer here."""
        async with self._looking:
            await self._look(barrier.deadline)
        now = self._clock.now()
        if self._answering_since is None:
            return Passed.AWAY if now >= barrier.give_up_at else Passed.WAIT
        if self._oldest is None or self._oldest >= barrier.deadline:
            return Passed.DRAINED
        since = max(self._answering_since, barrier.deadline)
        return Passed.BEHIND if now >= since + BEHIND_MAX else Passed.WAIT

    async def _look(self, deadline: datetime) -> None:
        now = self._clock.now()
        # A look from before the deadline cannot know what was published until it. One that took
        # long is still as fresh as can be for all who waited for it.
        if self._looked is not None:
            began, ended = self._looked
            if deadline <= began and now < ended + LOOK_EVERY:
                return
            if now > ended + UNSEEN_MAX:
                self._answering_since = None
        try:
            self._oldest = await self._backlog.oldest_unacknowledged()
        except Unavailable:
            self._answering_since = None
        else:
            self._answering_since = self._answering_since or now
        self._looked = (now, self._clock.now())
