"""Messages that wait to be worked on: those of one key one after the other, keys in turns."""

import asyncio
from collections import deque

from dict_common.bus.incoming import Incoming


class Lanes:
    """A lane for each key that has messages here. One event loop's; never blocks but in `next`.

    A key with many messages, or with one that takes long, holds up no other key.
    """

    def __init__(self) -> None:
        self._lanes: dict[str, deque[Incoming]] = {}
        self._ready: asyncio.Queue[str] = asyncio.Queue()

    def put(self, message: Incoming) -> None:
        """Behind what waits under its key."""
        lane = self._lanes.setdefault(message.key, deque())
        lane.append(message)
        if len(lane) == 1:
            self._ready.put_nowait(message.key)

    async def next(self) -> Incoming:
        """The first message of the next key. The key gets no other turn before `done`."""
        return self._lanes[await self._ready.get()][0]

    def done(self, message: Incoming) -> None:
        """The message that `next` gave is settled."""
        lane = self._lanes[message.key]
        lane.popleft()
        if lane:
            self._ready.put_nowait(message.key)
        else:
            del self._lanes[message.key]
