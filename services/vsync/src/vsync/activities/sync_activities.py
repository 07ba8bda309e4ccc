"""The steps of a run under their Temporal names.

An error's type is its reason: DICT's problem type, or ours. Its message holds no personal data, and
travels sealed all the same.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError

from dict_common.kernel.errors import DictError, InputRefused
from dict_common.ports.directory import DirectoryRefused
from vsync.application.bacen import passes
from vsync.application.compare_entries import CompareEntries
from vsync.application.end_sync import EndSync
from vsync.application.fetch_bacen import FetchBacen, FileContentInvalid, FilePending
from vsync.application.identify_entries import IdentifyEntries
from vsync.application.keep_entry import KeepEntry
from vsync.application.prove_sync import ProveSync
from vsync.application.repair_entries import RepairEntries
from vsync.application.sync_process import (
    AWAIT_REPORTS,
    COMPARE_ENTRIES,
    CREATE_ENTRY,
    FETCH_BACEN_ENTRIES,
    FLAG_FOR_REVIEW,
    GENERATE_SYNC_REPORT,
    IDENTIFY_ENTRIES,
    PLAN_SYNC,
    PUBLISH_CLAIM_EVENT,
    REGISTER_ENTRY,
    REQUEST_CID_FILE,
    START_SYNC,
    UPDATE_ENTRY,
    VERIFY_SYNC,
    Compared,
    CompareStep,
    FetchedFile,
    FetchedLog,
    FetchStep,
    Identified,
    KeepOrder,
    RunEnd,
    RungStep,
    RunRef,
    Settled,
    Started,
    SyncPlan,
    SyncStart,
    Verified,
    VerifyStep,
    VSyncInput,
    VSyncResult,
)

_Answer = TypeVar("_Answer")

RETRY_AFTER_SECONDS_MAX = 300.0
"""A server that says "in a year" is not obeyed: the run has an end of its own."""


@dataclass(frozen=True)
class SyncSteps:
    """The use cases of a run."""

    prove: ProveSync
    fetch: FetchBacen
    compare: CompareEntries
    identify: IdentifyEntries
    repair: RepairEntries
    end: EndSync
    keep: KeepEntry


class SyncActivities:
    """Holds the use cases; a worker registers the bound methods."""

    def __init__(self, steps: SyncSteps) -> None:
        self._steps = steps

    def all(self) -> tuple[Callable[..., Any], ...]:
        """The steps that a worker registers."""
        return (
            self.plan_sync,
            self.start_sync,
            self.await_reports,
            self.verify_sync,
            self.fetch_bacen_entries,
            self.request_cid_file,
            self.compare_entries,
            self.identify_entries,
            self.create_entry,
            self.update_entry,
            self.flag_for_review,
            self.generate_sync_report,
            self.publish_claim_event,
            self.register_entry,
        )

    @activity.defn(name=PLAN_SYNC)
    async def plan_sync(self, asked: VSyncInput) -> SyncPlan:
        """Whom a run is for."""
        try:
            return self._steps.prove.plan(asked)
        except InputRefused as error:
            raise _final(error) from error

    @activity.defn(name=START_SYNC)
    async def start_sync(self, start: SyncStart) -> Started:
        """The run's row and its first event."""
        return await _told(self._steps.prove.start(start))

    @activity.defn(name=AWAIT_REPORTS)
    async def await_reports(self, run: RunRef) -> None:
        """Fails, and comes again, until what Core had reported is read."""
        await _told(self._steps.prove.await_reports(run))

    @activity.defn(name=VERIFY_SYNC)
    async def verify_sync(self, step: VerifyStep) -> Verified:
        """Our VSync before DICT."""
        activity.heartbeat()
        return await _told(self._steps.prove.verify(step))

    @activity.defn(name=FETCH_BACEN_ENTRIES)
    async def fetch_bacen_entries(self, step: FetchStep) -> FetchedLog:
        """DICT's log of the set."""
        return await _told(self._steps.fetch.log(step, activity.heartbeat))

    @activity.defn(name=REQUEST_CID_FILE)
    async def request_cid_file(self, run: RunRef) -> FetchedFile:
        """A file of all CIDs, ordered once and brought here."""
        return await _told(self._steps.fetch.file(run, activity.heartbeat))

    @activity.defn(name=COMPARE_ENTRIES)
    async def compare_entries(self, step: CompareStep) -> Compared:
        """CIDs of one side alone."""
        return await _told(self._steps.compare(step, activity.heartbeat))

    @activity.defn(name=IDENTIFY_ENTRIES)
    async def identify_entries(self, step: RungStep) -> Identified:
        """The keys behind them."""
        return await _told(self._steps.identify(step, activity.heartbeat))

    @activity.defn(name=CREATE_ENTRY)
    async def create_entry(self, step: RungStep) -> Settled:
        """What DICT has and we have not."""
        return await _told(self._steps.repair.create(step, activity.heartbeat))

    @activity.defn(name=UPDATE_ENTRY)
    async def update_entry(self, step: RungStep) -> Settled:
        """What both have, with other values."""
        return await _told(self._steps.repair.update(step, activity.heartbeat))

    @activity.defn(name=FLAG_FOR_REVIEW)
    async def flag_for_review(self, step: RungStep) -> Settled:
        """What we have and DICT has not."""
        return await _told(self._steps.repair.flag(step, activity.heartbeat))

    @activity.defn(name=GENERATE_SYNC_REPORT)
    async def generate_sync_report(self, end: RunEnd) -> VSyncResult:
        """The report."""
        return await _told(self._steps.end.report(end))

    @activity.defn(name=PUBLISH_CLAIM_EVENT)
    async def publish_claim_event(self, end: RunEnd) -> VSyncResult:
        """The event of the run's end; the seed's name for it."""
        return await _told(self._steps.end.publish(end))

    @activity.defn(name=REGISTER_ENTRY)
    async def register_entry(self, order: KeepOrder) -> str:
        """What a person wants to keep."""
        return await _told(self._steps.keep(order))


async def _told(work: Awaitable[_Answer]) -> _Answer:
    """Raises ApplicationError: DICT's 4xx is final but for 429 and 409; trouble comes again."""
    try:
        return await work
    except DirectoryRefused as error:
        if not passes(error):
            raise _final(error) from error
        raise ApplicationError(
            error.detail, type=error.reason_code, next_retry_delay=_delay(error)
        ) from error
    except (InputRefused, FilePending, FileContentInvalid) as error:
        raise _final(error) from error
    except DictError as error:
        # Unavailable, and answers that contradict themselves: another look may be a good one.
        raise ApplicationError(error.detail, type=error.reason_code) from error


def _final(error: DictError) -> ApplicationError:
    return ApplicationError(error.detail, type=error.reason_code, non_retryable=True)


def _delay(error: DirectoryRefused) -> timedelta | None:
    if error.retry_after_seconds is None:
        return None
    return timedelta(seconds=min(error.retry_after_seconds, RETRY_AFTER_SECONDS_MAX))
