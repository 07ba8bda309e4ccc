"""The steps of a claim under their Temporal names.

An error's type is what the workflow decides by: DICT's problem type, prefixed by the outcome class.
Its message holds no personal data, and travels sealed all the same.
"""

from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from claim_orchestrator.application.ask_directory import AskDirectory
from claim_orchestrator.application.claim_process import (
    COMPLETE_CLAIM_GRPC,
    CREATE_CLAIM_GRPC,
    GET_CLAIM_GRPC,
    POLL_CLAIM_STATUS,
    PREPARE_COMPLETION,
    RECORD_TRANSITION,
    TRANSFER_ENTRY,
    BridgeStep,
    ClaimProcessInput,
    KnownClaim,
    Recorded,
    Snapshot,
    Transition,
)
from claim_orchestrator.application.record_transition import RecordTransition
from claim_orchestrator.domain.deadlines import Calendar
from claim_orchestrator.domain.outcomes import Operation, Outcome, outcome_of
from dict_common.ports.directory import DirectoryRefused

_Answer = TypeVar("_Answer")

CLAIM_UNCHANGED = "ClaimUnchanged"


class ClaimActivities:
    """Holds the use cases; a worker registers the bound methods."""

    def __init__(self, ask: AskDirectory, record: RecordTransition) -> None:
        self._ask = ask
        self._record = record

    @activity.defn(name=CREATE_CLAIM_GRPC)
    async def create_claim(self, step: BridgeStep) -> Snapshot:
        """Opens the claim at DICT."""
        return await _decided(Operation.CREATE, self._ask.create(step))

    @activity.defn(name=GET_CLAIM_GRPC)
    async def get_claim(self, known: KnownClaim) -> Snapshot:
        """The claim as DICT shows it now."""
        return await _decided(Operation.GET, self._ask.get(known))

    @activity.defn(name=POLL_CLAIM_STATUS)
    async def poll_claim_status(self, known: KnownClaim) -> Snapshot:
        """Answers when DICT shows news; until then each attempt ends benign and comes again."""
        interval = Calendar(known.step.process.day_seconds).poll_interval()
        try:
            news = await self._ask.news(known)
        except DirectoryRefused as error:
            # A poll decides nothing, so no answer of DICT may end it.
            raise ApplicationError(
                str(error), type=error.reason_code, next_retry_delay=interval
            ) from error
        if news is None:
            raise ApplicationError(
                "DICT shows nothing new",
                type=CLAIM_UNCHANGED,
                category=ApplicationErrorCategory.BENIGN,
                next_retry_delay=interval,
            )
        return news

    @activity.defn(name=PREPARE_COMPLETION)
    async def prepare_completion(self, process: ClaimProcessInput) -> UUID:
        """Makes and stores the RequestId of the completion."""
        return await self._ask.prepare_completion(process)

    @activity.defn(name=COMPLETE_CLAIM_GRPC)
    async def complete_claim(self, known: KnownClaim) -> Snapshot:
        """Completes a CONFIRMED claim."""
        return await _decided(Operation.COMPLETE, self._ask.complete(known))

    @activity.defn(name=RECORD_TRANSITION)
    async def record_transition(self, transition: Transition) -> Recorded:
        """Writes state and events together."""
        return await self._record(transition)

    @activity.defn(name=TRANSFER_ENTRY)
    async def transfer_entry(self, transition: Transition) -> Recorded:
        """Tells that the entry is ours now: DICT has no such call, completeClaim did it."""
        return await self._record(transition)


async def _decided(operation: Operation, call: Awaitable[_Answer]) -> _Answer:
    """DICT's refusals by the table of outcomes; only RETRY lets Temporal try again."""
    try:
        return await call
    except DirectoryRefused as error:
        outcome = outcome_of(operation, error.reason_code, error.http_status)
        wait = error.retry_after_seconds
        raise ApplicationError(
            f"{error.reason_code} (HTTP {error.http_status}): {error.detail}",
            error.reason_code,
            type=outcome,
            non_retryable=outcome is not Outcome.RETRY,
            next_retry_delay=None if wait is None else timedelta(seconds=wait),
        ) from error
