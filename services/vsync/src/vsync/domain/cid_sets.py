"""Two sets of millions of CIDs, compared by their first 64 bits and proven by their XOR.

Eight bytes a key are held, not 32: a CID is an HMAC, so its first bytes tell it apart from five
million others but for one time in a million. That one time is found by the XOR, and then all 32
bytes are compared.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vsync.domain.cid import CID_BYTES, EMPTY_VSYNC, toggled

Cids = NDArray[np.uint8]
"""Some CIDs, as they stand in memory: one row of 32 bytes each, rows contiguous."""
Reading = Callable[[], Iterable[Cids]]
"""Reads a whole set in pieces. Called again, it reads the same set."""
Prefixes = NDArray[np.uint64]
_END = np.uint64(0xFFFF)


@dataclass(frozen=True)
class Difference:
    """CIDs that one side has and the other has not."""

    only_local: frozenset[bytes]
    only_remote: frozenset[bytes]


class CidSet:
    """A set that was read once. `repeated`: CIDs that it holds more than once."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.vsync = EMPTY_VSYNC
        pieces: list[Prefixes] = []
        for cids in reading():
            self.vsync = toggled(self.vsync, _xor(cids))
            pieces.append(cids.view(np.uint64)[:, 0].copy())
        self.prefixes = np.concatenate(pieces) if pieces else np.empty(0, np.uint64)
        del pieces
        self.prefixes.sort()
        self.count = len(self.prefixes)
        self.repeated = self._repeated()

    def having(self, prefixes: Prefixes) -> Iterator[bytes]:
        """The CIDs that begin with one of these sorted ones, as often as they stand in the set."""
        if not len(prefixes):
            return
        ends = np.zeros(1 << 16, np.bool_)
        ends[prefixes & _END] = True
        for cids in self.reading():
            # Few are looked for: most are ruled out by two bytes, without a search.
            some = cids[ends[cids.view(np.uint64)[:, 0] & _END]]
            rows = some[_among(some.view(np.uint64)[:, 0], prefixes)]
            yield from (row.tobytes() for row in rows)

    def _repeated(self) -> frozenset[bytes]:
        alike = self.prefixes[1:][self.prefixes[1:] == self.prefixes[:-1]]
        once: set[bytes] = set()
        more: set[bytes] = set()
        for cid in self.having(np.unique(alike)):
            (more if cid in once else once).add(cid)
        return frozenset(more)


def difference(local: CidSet, remote: CidSet) -> Difference:
    """What to add to `local`, and what to take out of it, so that it is `remote`.

    Both sets must hold each CID once, else the XOR proves nothing.
    """
    assert not local.repeated | remote.repeated, "a set that repeats a CID is refused before"
    by_prefix = Difference(
        frozenset(local.having(_missing(local.prefixes, remote.prefixes))),
        frozenset(remote.having(_missing(remote.prefixes, local.prefixes))),
    )
    if toggled(local.vsync, *by_prefix.only_local, *by_prefix.only_remote) == remote.vsync:
        return by_prefix
    return _by_all_bytes(local, remote)


def _missing(of: Prefixes, in_: Prefixes) -> Prefixes:
    """Those of one sorted set that another does not have."""
    if not len(in_):
        return of
    missing: Prefixes = of[~_among(of, in_)]
    return missing


def _among(these: Prefixes, sorted_: Prefixes) -> NDArray[np.bool_]:
    """Which of these stand in `sorted_`, which is not empty."""
    places = np.searchsorted(sorted_, these)
    np.minimum(places, len(sorted_) - 1, out=places)
    found: NDArray[np.bool_] = sorted_[places] == these
    return found


def _by_all_bytes(local: CidSet, remote: CidSet) -> Difference:
    """Exact and slow: some hundred bytes a key for a moment, once in a million comparisons."""
    ours, theirs = (np.sort(_whole(it)) for it in (local, remote))
    return Difference(
        frozenset(_texts(np.setdiff1d(ours, theirs, assume_unique=True))),
        frozenset(_texts(np.setdiff1d(theirs, ours, assume_unique=True))),
    )


def _whole(set_: CidSet) -> NDArray[np.bytes_]:
    rows = [cids.view(f"S{CID_BYTES}")[:, 0].copy() for cids in set_.reading()]
    return np.concatenate(rows) if rows else np.empty(0, f"S{CID_BYTES}")


def _texts(cids: NDArray[np.bytes_]) -> Iterator[bytes]:
    # NumPy cuts zeros off the end of such a value when it hands it out.
    return (bytes(cid).ljust(CID_BYTES, b"\0") for cid in cids)


def _xor(cids: Cids) -> bytes:
    return bytes(np.bitwise_xor.reduce(cids.view(np.uint64), axis=0).tobytes())
