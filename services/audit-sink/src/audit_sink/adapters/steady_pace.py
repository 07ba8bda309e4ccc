"""Pace by the event loop's clock."""

import asyncio

from dict_common.kernel.errors import Unavailable
from dict_common.kernel.stopping import stopped_within


class SteadyPace:
    """So many turns a second for each service; none is made up for."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._next: dict[str, float] = {}

    async def turn(self, service: str, per_second: int) -> None:
        """Waits for the next turn. Raises Unavailable when the process is asked to stop: the
        request is then left to whoever comes after."""
        now = asyncio.get_running_loop().time()
        at = max(now, self._next.get(service, 0.0))
        self._next[service] = at + 1 / per_second
        if await stopped_within(self._stop, at - now):
            raise Unavailable("stopping", "this process was asked to stop")
