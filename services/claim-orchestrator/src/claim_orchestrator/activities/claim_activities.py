"""The steps of a claim under their Temporal names.

An error's type is what the workflow decides by: DICT's problem type, prefixed by the outcome class.
Its message holds no personal data, and travels sealed all the same.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from claim_orchestrator.application.ask_directory import AskDirectory
from claim_orchestrator.application.await_decisions import AwaitDecisions, Passed
from claim_orchestrator.application.claim_desk import ClaimDesk
from claim_orchestrator.application.claim_mail import DecisionAnswer, DecisionToStore, Mail
from claim_orchestrator.application.claim_process import (
    AWAIT_DECISIONS,
    CANCEL_CLAIM_GRPC,
    COMPLETE_CLAIM_GRPC,
    CREATE_CLAIM_GRPC,
    FIND_CLAIM_GRPC,
    GET_CLAIM_GRPC,
    LOAD_CLAIM,
    NOTIFY_USERS,
    POLL_CLAIM_STATUS,
    PREPARE_COMPLETION,
    READ_MAIL,
    RECORD_TRANSITION,
    STORE_DECISION,
    TRANSFER_ENTRY,
)
from claim_orchestrator.application.claim_records import (
    Barrier,
    BridgeStep,
    ClaimProcessInput,
    ClaimRef,
    KnownClaim,
    LoadedClaim,
    Look,
    Notice,
    Recorded,
    Snapshot,
    Transition,
)
from claim_orchestrator.application.record_transition import RecordTransition
from claim_orchestrator.domain.deadlines import RETRY_AGAIN, Calendar
from claim_orchestrator.domain.errors import ClaimErased, ClaimUnknown, DictClaimTaken, ListUnread
from claim_orchestrator.domain.outcomes import (
    Circumstance,
    Operation,
    Outcome,
    is_not_yet,
    outcome_of,
)
from dict_common.kernel.clock import Clock
from dict_common.kernel.errors import DictError, InputRefused
from dict_common.ports.directory import DirectoryRefused

_Answer = TypeVar("_Answer")

CLAIM_UNCHANGED = "ClaimUnchanged"
RETRY_AFTER_SECONDS_MAX = 300.0
"""A server that says "in a year" is not obeyed: a deadline may come before."""
DECISIONS_BEHIND = "DecisionsBehind"


class ClaimActivities:
    """Holds the use cases; a worker registers the bound methods."""

    def __init__(
        self,
        ask: AskDirectory,
        record: RecordTransition,
        desk: ClaimDesk,
        decisions: AwaitDecisions,
        clock: Clock,
    ) -> None:
        self._ask = ask
        self._record = record
        self._desk = desk
        self._decisions = decisions
        self._clock = clock

    def all(self) -> tuple[Callable[..., Any], ...]:
        """The steps that a worker registers."""
        return (
            self.create_claim,
            self.find_claim,
            self.get_claim,
            self.poll_claim_status,
            self.prepare_completion,
            self.complete_claim,
            self.cancel_claim,
            self.record_transition,
            self.transfer_entry,
            self.load_claim,
            self.store_decision,
            self.read_mail,
            self.await_decisions,
            self.notify_users,
        )

    @activity.defn(name=CREATE_CLAIM_GRPC)
    async def create_claim(self, step: BridgeStep) -> Snapshot:
        """Opens the claim at DICT."""
        try:
            return await _decided(Operation.CREATE, self._ask.create(step))
        except ClaimErased as error:
            raise _final(Outcome.REFUSE, error) from error

    @activity.defn(name=FIND_CLAIM_GRPC)
    async def find_claim(self, step: BridgeStep) -> Look:
        """The claim that an unanswered createClaim has opened, if it has."""
        try:
            return await _decided(Operation.LIST, self._ask.find(step))
        except ListUnread as error:
            raise _final(Outcome.HOLD, error) from error
        except ClaimErased as error:
            raise _final(Outcome.REFUSE, error) from error

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
            raise _benign("DICT shows nothing new", CLAIM_UNCHANGED, interval)
        return news

    @activity.defn(name=PREPARE_COMPLETION)
    async def prepare_completion(self, process: ClaimProcessInput) -> UUID:
        """Makes and stores the RequestId of the completion."""
        return await self._ask.prepare_completion(process)

    @activity.defn(name=COMPLETE_CLAIM_GRPC)
    async def complete_claim(self, known: KnownClaim) -> Snapshot:
        """Completes a CONFIRMED claim."""
        return await self._effect(Operation.COMPLETE, known, self._ask.complete(known))

    @activity.defn(name=CANCEL_CLAIM_GRPC)
    async def cancel_claim(self, known: KnownClaim) -> Snapshot:
        """Cancels for the reason that was settled."""
        return await self._effect(Operation.CANCEL, known, self._ask.cancel(known))

    @activity.defn(name=RECORD_TRANSITION)
    async def record_transition(self, transition: Transition) -> Recorded:
        """Writes state and events together."""
        return await self._recorded(transition)

    @activity.defn(name=TRANSFER_ENTRY)
    async def transfer_entry(self, transition: Transition) -> Recorded:
        """Tells that the entry is ours now: DICT has no such call, completeClaim did it."""
        return await self._recorded(transition)

    @activity.defn(name=LOAD_CLAIM)
    async def load_claim(self, ref: ClaimRef) -> LoadedClaim:
        """Facts and row of a claim."""
        try:
            return await self._desk.load(ref)
        except ClaimUnknown as error:
            if ref.alone:
                raise _final(type(error).__name__, error) from error
            raise

    @activity.defn(name=STORE_DECISION)
    async def store_decision(self, wanted: DecisionToStore) -> DecisionAnswer:
        """Keeps a decision that came through another door than the topic."""
        try:
            return await self._desk.store_decision(wanted)
        except InputRefused as error:
            raise _final(error.reason_code, error) from error

    @activity.defn(name=READ_MAIL)
    async def read_mail(self, ref: ClaimRef) -> Mail:
        """Decisions that nobody judged, and the newest proof."""
        return await self._desk.read_mail(ref)

    @activity.defn(name=AWAIT_DECISIONS)
    async def await_decisions(self, barrier: Barrier) -> str:
        """Answers once no decision from before the deadline can be waiting any more."""
        passed = await self._decisions(barrier)
        if passed is Passed.WAIT:
            raise _benign("decisions from before the deadline may wait", DECISIONS_BEHIND, None)
        return passed

    @activity.defn(name=NOTIFY_USERS)
    async def notify_users(self, notice: Notice) -> bool:
        """Tells users how it ended; False when nobody is set up to be told."""
        return await self._desk.notify(notice)

    async def _recorded(self, transition: Transition) -> Recorded:
        try:
            return await self._record(transition)
        except DictClaimTaken as error:
            raise _final(type(error).__name__, error) from error

    async def _effect(
        self, operation: Operation, known: KnownClaim, call: Awaitable[Snapshot]
    ) -> Snapshot:
        """A call that changes DICT. Held off ("not yet"), it comes again every 30 s, unless the
        claim has moved meanwhile: looked at here, so that a history stays short. After
        `held_off_until` it is no matter of clocks any more: operators see it, and may order."""
        try:
            return await call
        except DirectoryRefused as error:
            circumstance = Circumstance(error.after_unknown, known.by_default)
            if not is_not_yet(error.reason_code, circumstance):
                _raise(operation, error, circumstance)
            held_off = error
        seen = await _decided(Operation.GET, self._ask.look_again(known))
        if known.last_shown is None or seen.status == known.last_shown.status:
            until = known.held_off_until
            for_good = until is not None and self._clock.now() >= until
            raise ApplicationError(
                str(held_off),
                held_off.reason_code,
                type=Outcome.HOLD if for_good else Outcome.RETRY,
                non_retryable=for_good,
                next_retry_delay=RETRY_AGAIN,
            )
        raise ApplicationError(
            f"DICT shows {seen.status}",
            held_off.reason_code,
            type=Outcome.REREAD,
            non_retryable=True,
        )


async def _decided(operation: Operation, call: Awaitable[_Answer]) -> _Answer:
    """DICT's refusals by the table of outcomes; only RETRY lets Temporal try again."""
    try:
        return await call
    except DirectoryRefused as error:
        _raise(operation, error, Circumstance(error.after_unknown))


def _raise(operation: Operation, error: DirectoryRefused, circumstance: Circumstance) -> NoReturn:
    outcome = outcome_of(operation, error.reason_code, error.http_status, circumstance)
    wait = error.retry_after_seconds
    if wait is not None:
        wait = min(wait, RETRY_AFTER_SECONDS_MAX)
    raise ApplicationError(
        f"{error.reason_code} (HTTP {error.http_status}): {error.detail}",
        error.reason_code,
        type=outcome,
        non_retryable=outcome is not Outcome.RETRY,
        next_retry_delay=None if wait is None else timedelta(seconds=wait),
    ) from error


def _final(kind: str, error: DictError) -> ApplicationError:
    return ApplicationError(error.detail, error.reason_code, type=kind, non_retryable=True)


def _benign(text: str, kind: str, delay: timedelta | None) -> ApplicationError:
    return ApplicationError(
        text, type=kind, category=ApplicationErrorCategory.BENIGN, next_retry_delay=delay
    )
