"""Calls to DICT as the steps of a claim: one method a step, answers as snapshots."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto
from uuid import UUID

from claim_orchestrator.application.claim_news import is_news
from claim_orchestrator.application.claim_papers import claim_request, key_of, papers_of
from claim_orchestrator.application.claim_records import (
    BridgeStep,
    ClaimProcessInput,
    KnownClaim,
    Look,
    Snapshot,
)
from claim_orchestrator.application.ports import ClaimStore
from claim_orchestrator.domain.claim import Role
from claim_orchestrator.domain.deadlines import Calendar
from claim_orchestrator.domain.errors import ClaimErased, ListUnread
from claim_orchestrator.domain.transitions import is_terminal
from dict_common.kernel.errors import Unavailable
from dict_common.kernel.ids import time_of
from dict_common.ports.directory import (
    CallContext,
    CallUnanswered,
    ClaimQuery,
    ClaimRequest,
    Directory,
    DirectoryClaim,
    DirectoryRefused,
)
from dict_common.ports.sealing import RestSealer

LIST_OVERLAP = timedelta(seconds=60)
"""DICT's clock and its list may lag behind ours (bacen-dict 1.6)."""
SENDER_AHEAD_MAX = timedelta(days=1)
"""Of a resumed claim we know when its command says it was made, by its sender's clock."""
PAGES_MAX = 10
"""Of 200 claims each, in one look: an empty bucket fills by 40 a minute (bacen-dict 1.9)."""
LOOKS_MAX = 5
"""Beside createClaim itself: a list that is longer stops no claim."""


class Fit(Enum):
    """Whether a claim of the same key, type and account is the one that was opened for us."""

    NOT = auto()
    PERHAPS = auto()
    """The newest of these is, if none is surely."""
    SURELY = auto()


class AskDirectory:
    """Each method raises DirectoryRefused with DICT's problem, or Unavailable."""

    def __init__(
        self,
        directory: Directory,
        store: ClaimStore,
        rest: RestSealer,
        new_request_id: Callable[[], UUID],
    ) -> None:
        self._directory = directory
        self._store = store
        self._rest = rest
        self._new_request_id = new_request_id

    async def create(self, step: BridgeStep) -> Snapshot:
        """Opens the claim at DICT, or takes the one that an unanswered attempt has opened.

        Sent again without a look, it would open a second claim once the donor has ended the first.
        """
        request, context = await self._request(step.process.claim_id), _context(step)
        try:
            return snapshot(await self._directory.create_claim(request, context))
        except CallUnanswered:
            look = replace(step, request_id=f"{step.request_id}:look")
            found = await self._seen(look)
        if found is not None:
            return found
        looked = replace(context, looked=True)
        return snapshot(await self._directory.create_claim(request, looked))

    async def _seen(self, look: BridgeStep) -> Snapshot | None:
        """As far as DICT lets it be seen: no list stops a claim."""
        found: Snapshot | None = None
        for _ in range(LOOKS_MAX):
            seen = Look()
            with contextlib.suppress(DirectoryRefused, ListUnread):
                seen = await self.find(look)
            found = seen.claim or found
            if seen.go_on is None:
                break
            look = replace(look, go_on=seen.go_on)
        return found

    async def find(self, step: BridgeStep) -> Look:
        """The claim that an unanswered createClaim has opened; DICT has no idempotency there.

        Looked through are our participant's claims of the same key, type and account that stand in
        no other row, by the time of their last change. A list that is longer than PAGES_MAX, or
        that DICT stops, goes on at `go_on`. Raises ListUnread; DICT's refusal of the first page.
        """
        request = await self._request(step.process.claim_id)
        newest: Snapshot | None = None
        query = ClaimQuery(step.process.participant, modified_after=_begins(step))
        for number in range(PAGES_MAX):
            try:
                page = await self._directory.list_claims(query, _context(step))
            except (DirectoryRefused, Unavailable):
                if number == 0:
                    raise
                break  # what was read is not read again
            ours = [claim for claim in page.claims if _is_of(claim, request)]
            free = await self._store.unclaimed([claim.id for claim in ours], step.process.claim_id)
            for claim in sorted(ours, key=lambda claim: claim.last_modified):
                fits = _fits(claim, step) if claim.id in free else Fit.NOT
                if fits is Fit.SURELY:
                    return Look(snapshot(claim))
                newest = snapshot(claim) if fits is Fit.PERHAPS else newest
            if not page.has_more:
                return Look(newest)
            if not page.claims or page.claims[-1].last_modified == query.modified_after:
                raise ListUnread(step.process.claim_id)
            query = ClaimQuery(query.participant, modified_after=page.claims[-1].last_modified)
        return Look(newest, go_on=query.modified_after)

    async def get(self, known: KnownClaim) -> Snapshot:
        """The claim as DICT shows it now."""
        return await self._get(known, known.step)

    async def news(self, known: KnownClaim) -> Snapshot | None:
        """The claim if DICT shows a status beyond the last one or other dates, else None."""
        seen = await self.get(known)
        return seen if is_news(known.last_shown, seen) else None

    async def look_again(self, known: KnownClaim) -> Snapshot:
        """After a step was held off: where the claim is now."""
        if known.reread is None:
            raise ValueError("a step that may be held off says how the second look is called")
        return await self._get(known, known.reread)

    async def prepare_completion(self, process: ClaimProcessInput) -> UUID:
        """Makes and stores the RequestId of the completion, before any call with it leaves.

        It is the HMAC key of the new entry's CID (bacen-dict 1.2): losing it breaks VSYNC.
        """
        return await self._store.complete_request_id(
            process.claim_id, Role.CLAIMER, self._new_request_id()
        )

    async def complete(self, known: KnownClaim) -> Snapshot:
        """Completes a CONFIRMED claim."""
        if known.complete_request_id is None:
            raise ValueError("complete needs the RequestId that PrepareCompletion stored")
        process = known.step.process
        # Again, for a row from a backup: DICT may have completed under it, and nobody else knows.
        request_id = await self._store.complete_request_id(
            process.claim_id, Role.CLAIMER, known.complete_request_id
        )
        return snapshot(
            await self._directory.complete_claim(
                known.dict_claim_id,
                process.participant,
                request_id,
                _context(known.step),
            )
        )

    async def cancel(self, known: KnownClaim) -> Snapshot:
        """Cancels for the reason that was settled."""
        if known.cancel_reason is None:
            raise ValueError("cancel needs the reason that was settled")
        return snapshot(
            await self._directory.cancel_claim(
                known.dict_claim_id,
                known.step.process.participant,
                known.cancel_reason,
                _context(known.step),
            )
        )

    async def _get(self, known: KnownClaim, step: BridgeStep) -> Snapshot:
        return snapshot(
            await self._directory.get_claim(
                known.dict_claim_id, step.process.participant, _context(step)
            )
        )

    async def _request(self, claim_id: UUID) -> ClaimRequest:
        kept = await self._store.load(claim_id)
        key, papers = key_of(kept, self._rest), papers_of(kept, self._rest)
        if key is None or papers is None:
            raise ClaimErased(claim_id)
        return claim_request(kept, key, papers)


def snapshot(claim: DirectoryClaim) -> Snapshot:
    """What the process keeps of DICT's answer: no key, no person."""
    return Snapshot(
        dict_claim_id=claim.id,
        status=claim.status,
        donor_ispb=claim.donor_participant,
        resolution_period_end=claim.resolution_period_end,
        completion_period_end=claim.completion_period_end,
        last_modified=claim.last_modified,
        confirm_reason=claim.confirm_reason,
        cancel_reason=claim.cancel_reason,
        cancelled_by=claim.cancelled_by,
        entry_creation_date=claim.entry_creation_date,
        key_ownership_date=claim.key_ownership_date,
    )


def _is_of(claim: DirectoryClaim, request: ClaimRequest) -> bool:
    return (
        claim.key == request.key
        and claim.type == request.type
        and claim.claimer_participant == request.account.participant
        and claim.claimer_account_number == request.account.number
        and (claim.claimer_branch or None) == request.account.branch
    )


def _begins(step: BridgeStep) -> datetime | None:
    """From when on DICT's list is read."""
    if step.go_on is not None or step.since is None:
        return step.go_on
    return step.since - (SENDER_AHEAD_MAX if step.process.resumed else LIST_OVERLAP)


def _fits(claim: DirectoryClaim, step: BridgeStep) -> Fit:
    """The first that was opened since our first send is ours, and so is an open one: DICT has one a
    key. Where ours is known to be over, one that ended like it may be."""
    process, since = step.process, step.since
    if process.ended is not None and claim.status != process.ended:
        return Fit.NOT
    certain = not process.resumed or time_of(process.command_id) is not None
    if since is not None and certain and _opened(claim, process) >= since - LIST_OVERLAP:
        return Fit.SURELY
    if not is_terminal(claim.status):
        return Fit.SURELY
    return Fit.NOT if process.ended is None else Fit.PERHAPS


def _opened(claim: DirectoryClaim, process: ClaimProcessInput) -> datetime:
    """DICT does not tell when: its resolution period, which begins then, does (bacen-dict 1.3)."""
    if claim.resolution_period_end is None:
        return claim.last_modified
    return Calendar(process.day_seconds).opened(claim.resolution_period_end)


def _context(step: BridgeStep) -> CallContext:
    return CallContext(
        request_id=step.request_id,
        correlation_id=step.process.correlation_id,
        workflow_id=step.by.id,
        workflow_run_id=step.by.run_id,
    )
