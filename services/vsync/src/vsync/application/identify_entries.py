"""From CIDs that differ to keys that differ: DICT is asked for each CID of its own, once."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from dict_common.kernel.clock import Clock
from dict_common.kernel.ids import derived_id
from dict_common.ports.directory import DirectoryRefused
from dict_common.ports.sealing import RestSealer
from vsync.application.bacen import REASON_MAX, AnswerInvalid, Bacen, passes
from vsync.application.fetch_bacen import Alive
from vsync.application.prove_sync import call_context
from vsync.application.sync_ports import Finding, Findings, FoundDiscrepancy, Said, Twin
from vsync.application.sync_process import Identified, RungStep, RunRef
from vsync.application.telling import Telling, cause_of
from vsync.domain.discrepancies import Discrepancy, DiscrepancyType, KnownEntry, discrepancies
from vsync.domain.events import DiscrepancyFound

ASKED_AT_ONCE = 8
READ_AT_ONCE = 200
UNREAD_BESIDE = "unread-beside"
"""Why a key that DICT seems not to have waits: beside it DICT has keys that it does not show."""
_MADE_UP = UUID("c4a0f6de-2f53-5b1c-8f0a-7f1f5d7e9a42")
RUNG_NAMES = {1: "EVENTS", 2: "FILE", 3: "EVENTS", 4: "EVENTS"}


def made_up_id(participant: str, key_hash: str) -> UUID:
    """The id of an entry that Core has not told of: the same for the same key, until it has."""
    return derived_id(_MADE_UP, f"{participant}\n{key_hash}")


class IdentifyEntries:
    """Raises DirectoryRefused, DirectoryUnreachable, AnswerInvalid, Unavailable."""

    def __init__(
        self, findings: Findings, bacen: Bacen, rest: RestSealer, telling: Telling, clock: Clock
    ) -> None:
        self._findings = findings
        self._bacen = bacen
        self._rest = rest
        self._telling = telling
        self._clock = clock

    async def __call__(self, step: RungStep, alive: Alive) -> Identified:
        """Goes on where an attempt before has ended; what was classified stays."""
        run, rung, moved = step.run, step.rung, 0
        counts = await self._findings.counts(run.run_id, rung)
        if not counts:
            if step.by_file:
                moved = await self._findings.drop_moved(run.run_id, rung)
            while unread := await self._findings.unread(run.run_id, rung, READ_AT_ONCE):
                await self._read(step, unread, alive)
            found = await self._classified(step)
            if found:
                counts = _counted(found)
                await self._keep(step, found, counts)
        return Identified(
            counts.get(DiscrepancyType.MISSING_LOCAL, 0),
            counts.get(DiscrepancyType.OUTDATED_LOCAL, 0),
            counts.get(DiscrepancyType.MISSING_BACEN, 0),
            moved,
        )

    async def _read(self, step: RungStep, cids: Sequence[bytes], alive: Alive) -> None:
        turn = asyncio.Semaphore(ASKED_AT_ONCE)

        async def read(cid: bytes) -> None:
            async with turn:
                said = await self._said(step, cid)
                await self._findings.read(step.run.run_id, step.rung, cid, said)
                alive()

        # All are awaited before one's failure is told: none goes on beside the next attempt.
        done = await asyncio.gather(*(read(cid) for cid in cids), return_exceptions=True)
        for it in done:
            if isinstance(it, BaseException):
                raise it

    async def _said(self, step: RungStep, cid: bytes) -> Said:
        run = step.run
        context = call_context(run, "GetEntryByCid", f"{step.rung}.{cid.hex()[:24]}")
        try:
            entry = await self._bacen.entry_by_cid(cid, run.participant, context)
        except (DirectoryRefused, AnswerInvalid) as error:
            if passes(error):
                raise
            # One key that DICT does not show holds up no other.
            return Said(self._clock.now(), reason_code=error.reason_code[:REASON_MAX])
        if entry is None:
            return Said(self._clock.now())
        key_hash = entry.papers.key_hash(self._rest)
        return Said(entry.seen_at, key_hash, entry.papers.sealed(self._rest))

    async def _classified(self, step: RungStep) -> list[FoundDiscrepancy]:
        found = await self._findings.found(step.run, step.rung)
        twins = await self._findings.twins(step.run, step.rung)
        remote = {it.cid: it for it in found if it.remote and it.key_hash is not None}
        local = {it.cid: it for it in (*map(_as_finding, twins), *found) if not it.remote}
        known = [it for it in local.values() if it.key_hash is not None]
        differ = discrepancies(map(_known, known), map(_known, remote.values()))
        rows = [
            _row(number, step.run, it, local, remote) for number, it in enumerate(differ, start=1)
        ]
        refused = [it for it in found if it.remote and it.reason_code is not None]
        if refused:
            rows = [_held_back(it) for it in rows]
        return rows + [
            _unread(number, step.run, it) for number, it in enumerate(refused, start=len(rows) + 1)
        ]

    async def _keep(
        self,
        step: RungStep,
        found: Sequence[FoundDiscrepancy],
        counts: dict[DiscrepancyType, int],
    ) -> None:
        run = step.run
        cause = cause_of(run, f"found {step.rung}", self._clock.now())
        event = DiscrepancyFound(
            run_id=str(run.run_id),
            participant=run.participant,
            key_type=run.key_type,
            sync_type=run.sync_type,
            rung=RUNG_NAMES[step.rung],
            missing_local=counts.get(DiscrepancyType.MISSING_LOCAL, 0),
            outdated_local=counts.get(DiscrepancyType.OUTDATED_LOCAL, 0),
            missing_bacen=counts.get(DiscrepancyType.MISSING_BACEN, 0),
            found_at=cause.at,
        )
        events = await self._telling.run(cause, event.NAME, event)
        await self._findings.classified(run, step.rung, found, events)


def _as_finding(twin: Twin) -> Finding:
    return Finding(twin.cid, False, None, twin.key_hash, twin.entry_id)


def _known(finding: Finding) -> KnownEntry:
    assert finding.key_hash is not None, "its key is known"
    return KnownEntry(finding.cid, finding.key_hash)


def _row(
    number: int,
    run: RunRef,
    it: Discrepancy,
    local: dict[bytes, Finding],
    remote: dict[bytes, Finding],
) -> FoundDiscrepancy:
    ours = None if it.local is None else local[it.local]
    theirs = None if it.remote is None else remote[it.remote]
    entry_id = next((side.entry_id for side in (ours, theirs) if side and side.entry_id), None)
    dict_at = next((side.dict_at for side in (theirs, ours) if side and side.dict_at), None)
    return FoundDiscrepancy(
        number=number,
        type=it.type,
        entry_id=entry_id or made_up_id(run.participant, it.key_hash),
        key_hash=it.key_hash,
        local_cid=it.local,
        remote_cid=it.remote,
        dict_at=dict_at,
        seen_at=None if theirs is None else theirs.seen_at,
    )


def _held_back(it: FoundDiscrepancy) -> FoundDiscrepancy:
    """Of ours alone: what DICT does not show may be the same key, changed. It is put before nobody
    until DICT shows all of them."""
    if it.type is not DiscrepancyType.MISSING_BACEN:
        return it
    return replace(it, reason_code=UNREAD_BESIDE)


def _unread(number: int, run: RunRef, it: Finding) -> FoundDiscrepancy:
    """A CID of DICT's whose entry it does not show: we lack it, whatever its key is."""
    return FoundDiscrepancy(
        number=number,
        type=DiscrepancyType.MISSING_LOCAL,
        entry_id=made_up_id(run.participant, it.cid.hex()),
        key_hash=None,
        local_cid=None,
        remote_cid=it.cid,
        dict_at=it.dict_at,
        seen_at=it.seen_at,
        reason_code=it.reason_code,
    )


def _counted(found: Sequence[FoundDiscrepancy]) -> dict[DiscrepancyType, int]:
    return {of: sum(it.type is of for it in found) for of in DiscrepancyType}
