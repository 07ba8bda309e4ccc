"""A run over one set: the ladder, rung by rung, until DICT says OK or nothing is left to try."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from vsync.application.sync_process import (
    AWAIT_REPORTS,
    COMPARE_ENTRIES,
    CREATE_ENTRY,
    FETCH_BACEN_ENTRIES,
    FILE_OVERLAP,
    FLAG_FOR_REVIEW,
    IDENTIFY_ENTRIES,
    REQUEST_CID_FILE,
    START_SYNC,
    UPDATE_ENTRY,
    VERIFY_SYNC,
    VSYNC_SET_WORKFLOW,
    Compared,
    CompareStep,
    FetchedFile,
    FetchedLog,
    FetchStep,
    Identified,
    Pace,
    RungStep,
    RunRef,
    SetOrder,
    Settled,
    Started,
    SyncStart,
    Verified,
    VerifyStep,
    VSyncResult,
)
from vsync.domain.sync_run import Ladder, Move, Rung, SyncStatus, SyncType
from vsync.workflows.steps import (
    BACEN,
    BEGINNING,
    CANCELLED,
    DRAIN,
    LONG,
    RUN_MAX,
    do,
    ended,
    reason_of,
    this_run,
)

RUN_TOO_LONG = "run-too-long"


class RunTooLong(Exception):
    """What DICT answers, or does not, has taken the day."""


@dataclass
class _Tally:
    """What the run has come to know so far."""

    verifications: int = 0
    keys: int = 0
    vsync: str | None = None
    compared: bool = False
    unsettled: int = 0
    file_made_at: datetime | None = None
    unusable: str | None = None
    """Why the last log that was read could not be used."""
    explained_at: datetime | None = None
    """Until then the last log has explained every difference."""


@workflow.defn(name=VSYNC_SET_WORKFLOW)
class VSyncSetWorkflow:
    """One for each participant and key type, under a fixed id: no two are at once."""

    def __init__(self) -> None:
        self._tally = _Tally()

    @workflow.run
    async def run(self, order: SetOrder) -> VSyncResult:
        """The result, with its report and its event: however the run ends."""
        run = this_run(order.participant, order.key_type, order.sync_type)
        ladder = Ladder(SyncType(order.sync_type))
        try:
            started = await do(START_SYNC, SyncStart(run, order.since), Started, BEGINNING)
            await do(AWAIT_REPORTS, run, type(None), DRAIN)
            ladder = await self._climb(run, ladder, started)
        except ActivityError as error:
            return await self._broken_off(run, reason_of(error))
        except asyncio.CancelledError:
            # Asked to stop: what is repaired is repaired, and the run says that it ended.
            return await self._broken_off(run, CANCELLED)
        except RunTooLong:
            return await self._broken_off(run, RUN_TOO_LONG)
        if ladder.proven:
            return await self._end(run, SyncStatus.COMPLETED, None)
        return await self._end(run, SyncStatus.PARTIAL, self._tally.unusable or "still-nok")

    async def _climb(self, run: RunRef, ladder: Ladder, started: Started) -> Ladder:
        while (move := ladder.next_move()) is not Move.END:
            if workflow.now() - run.started_at > RUN_MAX:
                raise RunTooLong
            if move is Move.VERIFY:
                ladder = ladder.verified(await self._verify(run))
            elif move is Move.PAUSE:
                await workflow.sleep(timedelta(seconds=started.pace.between_tries))
                ladder = ladder.waited()
            else:
                assert ladder.next_rung is not None, "the table climbs to a rung"
                done = await self._rung(run, ladder.next_rung, started)
                ladder = ladder.rung_done(done, unsettled=self._tally.unsettled > 0)
        return ladder

    async def _verify(self, run: RunRef) -> bool:
        self._tally.verifications += 1
        step = VerifyStep(run, self._tally.verifications, self._tally.explained_at)
        verified = await do(VERIFY_SYNC, step, Verified, BACEN)
        self._tally.keys, self._tally.vsync = verified.keys, verified.vsync
        return verified.ok

    async def _rung(self, run: RunRef, rung: Rung, started: Started) -> bool:
        self._tally.unusable = None
        if rung is Rung.FILE:
            return await self._by_file(run, started.pace)
        since = started.since
        if rung is not Rung.EVENTS:
            # What was too young, or changed beside the file, is settled after this.
            await workflow.sleep(timedelta(seconds=started.pace.settle))
        if rung is Rung.EVENTS_AFTER:
            since = self._tally.file_made_at or since
        return await self._by_log(run, rung, since, started.pace)

    async def _by_log(self, run: RunRef, rung: Rung, since: datetime | None, pace: Pace) -> bool:
        fetched = await do(FETCH_BACEN_ENTRIES, FetchStep(run, rung, since), FetchedLog, LONG)
        if fetched.unusable is not None:
            self._tally.unusable, self._tally.unsettled = fetched.unusable, 0
            return False
        settled = workflow.now() - timedelta(seconds=pace.settle)
        step = CompareStep(run, rung, settled, vsync=fetched.vsync)
        compared = await do(COMPARE_ENTRIES, step, Compared, LONG)
        self._tally.unsettled = compared.unsettled
        differs = compared.only_local + compared.only_remote > 0
        # What is young at the first look is looked at once more, and is repaired if it stays.
        looked_again = rung is not Rung.EVENTS or not compared.unsettled
        if compared.explained and looked_again and not differs:
            self._tally.explained_at = settled
        return await self._work_off(RungStep(run, rung), compared)

    async def _by_file(self, run: RunRef, pace: Pace) -> bool:
        file = await do(REQUEST_CID_FILE, run, FetchedFile, LONG)
        self._tally.file_made_at = file.creation_time - FILE_OVERLAP
        step = CompareStep(run, Rung.FILE, workflow.now(), file)
        compared = await do(COMPARE_ENTRIES, step, Compared, LONG)
        if compared.only_local or compared.only_remote:
            # DICT's log lags: what changed until our side was read is in it only then.
            await workflow.sleep(timedelta(seconds=pace.settle))
            since = FetchStep(run, Rung.FILE, self._tally.file_made_at)
            fetched = await do(FETCH_BACEN_ENTRIES, since, FetchedLog, LONG)
            if fetched.unusable is not None:
                self._tally.unusable, self._tally.compared = fetched.unusable, True
                return False
        return await self._work_off(RungStep(run, Rung.FILE, by_file=True), compared)

    async def _work_off(self, step: RungStep, compared: Compared) -> bool:
        self._tally.compared = True
        if not compared.only_local and not compared.only_remote:
            return compared.unsettled > 0
        found = await do(IDENTIFY_ENTRIES, step, Identified, LONG)
        changed = compared.unsettled > 0 or found.moved > 0
        for name, count in (
            (CREATE_ENTRY, found.missing_local),
            (UPDATE_ENTRY, found.outdated_local),
            (FLAG_FOR_REVIEW, found.missing_bacen),
        ):
            if count:
                settled = await do(name, step, Settled, LONG)
                changed = changed or settled.fixed + settled.others > 0
        return changed

    async def _broken_off(self, run: RunRef, reason: str) -> VSyncResult:
        status = SyncStatus.PARTIAL if self._tally.compared else SyncStatus.FAILED
        return await self._end(run, status, reason)

    async def _end(self, run: RunRef, status: SyncStatus, error: str | None) -> VSyncResult:
        tally = self._tally
        return await ended(run, status, error, (tally.keys, tally.vsync))
