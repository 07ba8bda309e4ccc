"""CIDs of one side alone: from the log, or from a file of all of them."""

import asyncio
from functools import partial
from pathlib import Path

from vsync.application.fetch_bacen import Alive, FetchBacen, FileContentInvalid, cids_of
from vsync.application.sync_ports import Findings
from vsync.application.sync_process import Compared, CompareStep
from vsync.domain.cid_sets import CidSet, Difference, Reading, difference


class CompareEntries:
    """Raises FileInvalid, Unavailable, and what bringing the file here anew raises."""

    def __init__(self, findings: Findings, fetch: FetchBacen) -> None:
        self._findings = findings
        self._fetch = fetch

    async def __call__(self, step: CompareStep, alive: Alive) -> Compared:
        """Findings are kept; a repeat replaces them."""
        run, file = step.run, step.file
        if file is None:
            vsync = None if step.vsync is None else bytes.fromhex(step.vsync)
            return await self._findings.compare_log(run, step.rung, step.settled_before, vsync)
        path = await self._fetch.content(run, file, alive)
        try:
            async with self._findings.local_cids(run.set) as local:
                alive()
                found = await asyncio.to_thread(compared, local, path)
        except FileContentInvalid:
            self._fetch.forget(run)
            raise
        await self._findings.keep(run.run_id, step.rung, found.only_local, found.only_remote)
        self._fetch.forget(run)
        return Compared(len(found.only_local), len(found.only_remote))


def compared(local: Reading, path: Path) -> Difference:
    """A set of ours and a file of DICT's. Raises FileContentInvalid."""
    theirs = CidSet(partial(cids_of, path))
    if theirs.repeated:
        raise FileContentInvalid(f"{len(theirs.repeated)} CIDs stand in it more than once")
    return difference(CidSet(local), theirs)
