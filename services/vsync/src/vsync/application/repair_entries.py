"""What becomes of a discrepancy: ours is made Bacen's, or a person is asked. Nothing is deleted."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

from dict_common.kernel.clock import Clock, to_micros
from dict_common.kernel.errors import DictError, Unavailable
from dict_common.kernel.ids import derived_id
from dict_common.ports.directory import DirectoryRefused
from vsync.application.bacen import REASON_MAX, Bacen, passes
from vsync.application.entry_papers import papers_in
from vsync.application.fetch_bacen import Alive
from vsync.application.ports import Met, Written
from vsync.application.prove_sync import call_context
from vsync.application.sync_ports import Corrections, FoundDiscrepancy
from vsync.application.sync_process import RungStep, Settled
from vsync.application.telling import Cause, Change, Telling, cause_of
from vsync.application.writing import Secrecy, Writing
from vsync.domain.discrepancies import DiscrepancyType
from vsync.domain.entry import Told, excluded
from vsync.domain.holding import at_hand, hold
from vsync.domain.precedence import Report, Source, Verdict

REPAIRED_AT_ONCE = 8
FIXED, IN_REVIEW, GONE, OVERTAKEN, FAILED = "FIXED", "IN_REVIEW", "GONE", "OVERTAKEN", "FAILED"
CORRECTIONS = {"entry.created": "CREATED", "entry.updated": "UPDATED"}
_Settle = Callable[[FoundDiscrepancy], Awaitable[str]]


class RepairEntries:
    """Raises Unavailable, and for reviews DirectoryRefused, DirectoryUnreachable."""

    def __init__(
        self,
        corrections: Corrections,
        bacen: Bacen,
        secrecy: Secrecy,
        telling: Telling,
        clock: Clock,
    ) -> None:
        self._corrections = corrections
        self._bacen = bacen
        self._secrecy = secrecy
        self._telling = telling
        self._writing = Writing(telling)
        self._clock = clock

    async def create(self, step: RungStep, alive: Alive) -> Settled:
        """MISSING_LOCAL."""
        return await self._all(
            step, DiscrepancyType.MISSING_LOCAL, lambda it: self._as_bacen(step, it), alive
        )

    async def update(self, step: RungStep, alive: Alive) -> Settled:
        """OUTDATED_LOCAL."""
        return await self._all(
            step, DiscrepancyType.OUTDATED_LOCAL, lambda it: self._as_bacen(step, it), alive
        )

    async def flag(self, step: RungStep, alive: Alive) -> Settled:
        """MISSING_BACEN: DICT is asked for each once more, so that none is put before a person
        whose report was only late."""
        return await self._all(
            step, DiscrepancyType.MISSING_BACEN, lambda it: self._into_review(step, it), alive
        )

    async def _all(
        self, step: RungStep, of: DiscrepancyType, settle: _Settle, alive: Alive
    ) -> Settled:
        states: Counter[str] = Counter()
        turn = asyncio.Semaphore(REPAIRED_AT_ONCE)

        async def one(item: FoundDiscrepancy) -> str:
            async with turn:
                try:
                    return await settle(item)
                except DictError as error:
                    dict_may = isinstance(error, DirectoryRefused) and passes(error)
                    if isinstance(error, Unavailable) or dict_may:
                        raise
                    run_id = step.run.run_id
                    await self._corrections.settled(
                        run_id, step.rung, item.number, FAILED, error.reason_code[:REASON_MAX]
                    )
                    return FAILED
                finally:
                    alive()

        async for batch in self._corrections.open(step.run.run_id, step.rung, of):
            done = await asyncio.gather(*(one(it) for it in batch), return_exceptions=True)
            for it in done:
                if isinstance(it, BaseException):
                    raise it
                states[it] += 1
        fixed = states[FIXED] + states[IN_REVIEW]
        others = states[GONE] + states[OVERTAKEN]
        return Settled(fixed, others, states[FAILED])

    async def _as_bacen(self, step: RungStep, item: FoundDiscrepancy) -> str:
        assert item.remote_sealed is not None, "DICT has shown the entry"
        assert item.seen_at is not None, "and when"
        theirs = papers_in(item.remote_sealed, self._secrecy.rest)
        papers = await self._secrecy.papers(theirs)
        report = Report(Source.DICT, to_micros(item.seen_at), item.seen_at)
        what = Told(report, step.run.set, theirs.cid)
        cause = self._cause(step, item)

        async def decide(met: Met) -> Written:
            before, known = at_hand(met.entry, what.set, met.known)
            entry_id = item.entry_id if before is None else before.entry_id
            holding = hold(before, entry_id, what, known)
            after = holding.step
            if after.verdict is not Verdict.APPLY or after.entry is None:
                return Written(OVERTAKEN, after.entry)
            written = await self._writing.applied(cause, met, holding, papers)
            if after.change is None:
                return replace(written, outcome=GONE)
            restored = after.closes is not None
            change = Change(before, after.entry, papers.subject_id)
            correction = "RESTORED" if restored else CORRECTIONS[after.change]
            events = await self._telling.corrected(cause, change, correction, after.closes)
            return replace(written, outcome=FIXED, events=events)

        run_id, key_hash = step.run.run_id, papers.key_hash
        return await self._corrections.correct(run_id, step.rung, item, key_hash, decide)

    async def _into_review(self, step: RungStep, item: FoundDiscrepancy) -> str:
        assert item.local_cid is not None, "the CID that DICT does not have"
        cid, run = item.local_cid, step.run
        context = call_context(run, "GetEntryByCid", f"{step.rung}.{cid.hex()[:24]}")
        if await self._bacen.entry_by_cid(cid, run.participant, context) is not None:
            await self._corrections.settled(run.run_id, step.rung, item.number, GONE, None)
            return GONE
        cause = self._cause(step, item)
        review_id = derived_id(run.run_id, f"review {step.rung}/{item.number}")

        async def decide(met: Met) -> Written:
            before = met.entry
            if before is None or before.cid != cid:
                return Written(GONE)
            if before.stands.dict_time != item.stands_at:  # told of anew while DICT was asked
                return Written(OVERTAKEN)
            after = excluded(before, review_id)
            change = Change(before, after)
            return Written(
                IN_REVIEW,
                after,
                events=await self._telling.corrected(cause, change, "EXCLUDED", review_id),
                opens=await self._telling.opened(
                    cause, after, (item.local_sealed, item.key_hash), cid
                ),
            )

        return await self._corrections.correct(run.run_id, step.rung, item, None, decide)

    def _cause(self, step: RungStep, item: FoundDiscrepancy) -> Cause:
        return cause_of(step.run, f"{step.rung}/{item.number}", self._clock.now())
