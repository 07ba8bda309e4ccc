"""A file of CIDs, as Bacen makes it, against our base: nothing is repaired."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from vsync.application.fetch_bacen import FileInvalid, cids_of
from vsync.application.sync_console import Row
from vsync.domain.cid_sets import CidSet, Difference, Reading, difference
from vsync.domain.entry import EntrySet

HERE, FILE = "here", "file"


class LocalCids(Protocol):
    """Our side of a set."""

    def local_cids(self, of: EntrySet) -> AbstractAsyncContextManager[Reading]:
        """All active CIDs, in one snapshot. Raises Unavailable."""


class CidOwners(Protocol):
    """Whose CIDs are."""

    async def whose(self, cids: Sequence[bytes]) -> dict[bytes, Row]:
        """The entry of ours that has each CID, or had it last. Raises Unavailable."""


@dataclass(frozen=True)
class FileCompared:
    """Both sides, and the CIDs of one alone: `only_here`, then `only_in_file`, as many as asked
    for of each."""

    here: CidSet
    file: CidSet
    found: Difference
    rows: list[Row]

    def summary(self) -> Row:
        """Counts and VSyncs."""
        return {
            "here": self.here.count,
            "file": self.file.count,
            "only_here": len(self.found.only_local),
            "only_in_file": len(self.found.only_remote),
            "vsync_here": self.here.vsync.hex(),
            "vsync_of_file": self.file.vsync.hex(),
        }


async def compare_file(
    of: EntrySet, path: Path, local: LocalCids, owners: CidOwners, limit: int
) -> FileCompared:
    """Raises FileInvalid, Unavailable, OSError."""
    theirs = await asyncio.to_thread(CidSet, partial(cids_of, path))
    if theirs.repeated:
        raise FileInvalid(f"{len(theirs.repeated)} CIDs stand in it more than once")
    async with local.local_cids(of) as reading:
        ours = await asyncio.to_thread(CidSet, reading)
        found = await asyncio.to_thread(difference, ours, theirs)
    sides = [(HERE, sorted(found.only_local)[:limit]), (FILE, sorted(found.only_remote)[:limit])]
    owner_of = await owners.whose([cid for _, cids in sides for cid in cids])
    rows = [_row(side, cid, owner_of.get(cid)) for side, cids in sides for cid in cids]
    return FileCompared(ours, theirs, found, rows)


def _row(side: str, cid: bytes, owner: Row | None) -> Row:
    """`known`: what our history says of it."""
    known = "never here"
    if owner is not None:
        known = f"{owner['event']} by {owner['source']}"
    return {
        "only": side,
        "cid": cid.hex(),
        "entry_id": None if owner is None else owner["entry_id"],
        "known": known,
        "at": None if owner is None else owner["at"],
    }
