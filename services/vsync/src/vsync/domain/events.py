"""Events of VSYNC, field for field as `schemas/avro` has them; a contract test compares.

CIDs and VSyncs in hexadecimal digits: no personal data in any of them.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class VSyncEvent:
    """What all of them do alike."""

    def record(self) -> dict[str, object]:
        """Field name to value; Avro's lists are lists."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in named.items()
        }


@dataclass(frozen=True, kw_only=True)
class EntryChanged(VSyncEvent):
    """`entry.created`, `entry.updated` and `entry.deleted` have the same fields."""

    entry_id: str
    participant: str
    key_type: str
    cid: str | None
    cid_before: str | None
    source: str
    dict_time: datetime
    subject_id: str | None


@dataclass(frozen=True, kw_only=True)
class EntryCorrected(EntryChanged):
    """A repair, or what a review does to an entry. `correction`: CREATED, UPDATED, EXCLUDED,
    RESTORED, ADOPTED."""

    NAME: ClassVar[str] = "entry.corrected"
    correction: str
    run_id: str | None
    review_id: str | None


@dataclass(frozen=True, kw_only=True)
class RunEvent(VSyncEvent):
    """Of a run. `key_type` is None for a participant's whole run."""

    run_id: str
    participant: str
    key_type: str | None
    sync_type: str


@dataclass(frozen=True, kw_only=True)
class SyncStarted(RunEvent):
    """A run has begun."""

    NAME: ClassVar[str] = "vsync.started"
    last_ok_at: datetime | None
    started_at: datetime


@dataclass(frozen=True, kw_only=True)
class DiscrepancyFound(RunEvent):
    """A comparison has found keys that differ: so many of each type."""

    NAME: ClassVar[str] = "vsync.discrepancy-found"
    rung: str
    missing_local: int
    outdated_local: int
    missing_bacen: int
    found_at: datetime


@dataclass(frozen=True, kw_only=True)
class SyncCompleted(RunEvent):
    """A run has ended, COMPLETED or PARTIAL."""

    NAME: ClassVar[str] = "vsync.completed"
    report_id: str
    result: str
    entries_synced: int
    entries_created: int
    entries_updated: int
    entries_deleted: int
    discrepancies: int
    failed: int
    requests: int
    vsync: str | None
    reason_code: str | None
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, kw_only=True)
class SyncFailed(RunEvent):
    """A run could not verify or repair."""

    NAME: ClassVar[str] = "vsync.failed"
    report_id: str
    reason_code: str
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, kw_only=True)
class ReviewEvent(VSyncEvent):
    """Of a review."""

    review_id: str
    entry_id: str
    participant: str
    key_type: str


@dataclass(frozen=True, kw_only=True)
class ReviewOpened(ReviewEvent):
    """A person decides, by `decide_by`."""

    NAME: ClassVar[str] = "review.opened"
    reason_code: str
    cid: str
    run_id: str | None
    opened_at: datetime
    decide_by: datetime


@dataclass(frozen=True, kw_only=True)
class ReviewResolved(ReviewEvent):
    """`outcome`: DELETED, KEPT, SUPERSEDED."""

    NAME: ClassVar[str] = "review.resolved"
    outcome: str
    decided_by: tuple[str, ...] | None
    resolved_at: datetime
