"""The CIDs of generated sets in memory: made once, and anew at every start."""

import asyncio
import logging
import threading
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bridge_simulator.generated_set import GeneratedSet

CHUNK_ENTRIES = 10_000
LINES_AT_ONCE = 10_000

logger = logging.getLogger("bridge_simulator")


class BuildingStopped(Exception):
    """Nobody waits for the CIDs any more."""


class GeneratedCids:
    """The CIDs of one set by index, 32 bytes each, and a way back by their first 64 bits."""

    def __init__(self, cids: NDArray[np.uint8]) -> None:
        """`cids` is (count, 32), row by index. Takes a second for five million."""
        self._cids = cids
        prefixes = np.ascontiguousarray(cids[:, :8]).view(">u8").ravel().astype(np.uint64)
        order = np.argsort(prefixes)
        self._prefixes = prefixes[order]
        self._indexes = order.astype(np.uint32)

    def sync_verifier(self) -> str:
        """The VSync of the whole set."""
        verifier: NDArray[np.uint8] = np.bitwise_xor.reduce(self._cids, axis=0)
        return verifier.tobytes().hex()

    def index_of(self, cid: str) -> int | None:
        """Which entry has this CID, 64 hexadecimal digits."""
        wanted = bytes.fromhex(cid)
        prefix = np.uint64(int.from_bytes(wanted[:8], "big"))
        at = int(np.searchsorted(self._prefixes, prefix))
        while at < len(self._prefixes) and self._prefixes[at] == prefix:
            index = int(self._indexes[at])
            if self._cids[index].tobytes() == wanted:
                return index
            at += 1
        return None

    def lines(self, gone: NDArray[np.uint32]) -> Iterator[bytes]:
        """A line for each CID whose index is not among `gone`, in pieces of many lines."""
        stays = np.ones(len(self._cids), dtype=np.bool_)
        stays[gone] = False
        for start in range(0, len(self._cids), LINES_AT_ONCE):
            part = slice(start, start + LINES_AT_ONCE)
            text = self._cids[part][stays[part]].tobytes().hex("\n", 32)
            if text:
                yield f"{text}\n".encode("ascii")


class GeneratedSets:
    """The CIDs of all generated sets of a simulator; used on its event loop alone."""

    def __init__(self) -> None:
        self._held: dict[GeneratedSet, GeneratedCids] = {}
        self._at_rest = asyncio.Event()
        self._at_rest.set()

    def put(self, of: GeneratedSet, cids: GeneratedCids) -> None:
        """From now on they are there."""
        self._held[of] = cids

    def find(self, of: GeneratedSet) -> GeneratedCids | None:
        """Those that were put, if any."""
        return self._held.get(of)

    def cids(self, of: GeneratedSet) -> GeneratedCids:
        """Those of a set that is there; one that could not be made anew is a failure."""
        return self._held[of]

    def clear(self) -> None:
        """Lets go of all."""
        self._held.clear()

    async def ready(self) -> None:
        """Returns when no set waits for its CIDs."""
        await self._at_rest.wait()

    def begin_rebuilding(self, sets: Sequence[GeneratedSet]) -> "asyncio.Task[None]":
        """Makes the CIDs of these sets; until then nobody is `ready`."""
        self._at_rest.clear()
        return asyncio.create_task(self._rebuild(sets))

    async def _rebuild(self, sets: Sequence[GeneratedSet]) -> None:
        try:
            for of in sets:
                self.put(of, await built(of))
        except Exception:
            logger.exception("CIDs of a generated set could not be made")
        finally:
            self._at_rest.set()


async def built(of: GeneratedSet) -> GeneratedCids:
    """Computes a set's CIDs beside the event loop: 5 to 7 s for each million."""
    stop = threading.Event()
    try:
        return await asyncio.to_thread(build, of, stop)
    finally:
        stop.set()


def build(of: GeneratedSet, stop: threading.Event) -> GeneratedCids:
    """The same, here and now. Raises BuildingStopped soon after `stop` was set."""
    cids = np.empty((of.count, 32), dtype=np.uint8)
    for start in range(0, of.count, CHUNK_ENTRIES):
        if stop.is_set():
            raise BuildingStopped
        end = min(start + CHUNK_ENTRIES, of.count)
        chunk = b"".join(of.cids(start, end))
        cids[start:end] = np.frombuffer(chunk, dtype=np.uint8).reshape(-1, 32)
    return GeneratedCids(cids)
