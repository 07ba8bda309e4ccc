"""What keeping and mending the months asks of the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from audit_sink.domain.audit_row import AuditRow


@dataclass(frozen=True)
class Partition:
    """A month's table. `rows_estimate` None: never analysed. `attached` False: a remainder."""

    month: date
    table: str
    rows_estimate: int | None
    bytes: int
    attached: bool


class Hindrance(StrEnum):
    """Why a change of the partitions was not made; nothing of it was done."""

    LOCKED = "locked"
    """Readers or writers held the table for longer than three seconds: try again."""
    DEFAULT_HOLDS_ROWS = "default-holds-rows"
    """They must come home first: rehome."""
    DETACHED = "detached"
    """The month was taken out of the table."""
    REFUSED = "refused"
    """PostgreSQL refused for another reason: a grant or a migration is missing."""
    UNANSWERED = "unanswered"
    """No answer in time: a DEFAULT too large to be looked through, or a database that is away."""


class NotChanged(Exception):
    """A change of the partitions was not made, and why."""

    def __init__(self, hindrance: Hindrance, detail: str) -> None:
        super().__init__(detail)
        self.hindrance = hindrance
        self.detail = detail


class MonthPartitions(Protocol):
    """The months of audit.workflow_events. Blocks; raises Unavailable when PostgreSQL is away."""

    async def months(self) -> frozenset[date]:
        """The months that have a partition of their own."""

    async def ensure(self, month: date) -> bool:
        """Makes the month if it is missing; whether it was made now. Raises NotChanged."""

    async def default_rows(self) -> Mapping[date, int]:
        """Rows that stand in DEFAULT, by month. Reads all of them."""


class PartitionsList(MonthPartitions, Protocol):
    """The months, for a person too."""

    async def partitions(self) -> Sequence[Partition]:
        """Every month's table, the oldest first, detached ones too."""


@dataclass(frozen=True)
class StrayPart:
    """A batch's rows of one month as they stand in DEFAULT, and what was written to prove them.

    `proven_rows` and `proven_root` are None where audit.batch_parts holds nothing.
    """

    batch_id: UUID
    chain_no: int
    month: date
    rows: int
    proven_rows: int | None
    proven_root: bytes | None


class Homecoming(Protocol):
    """One transaction that brings rows home; nothing of it is seen before it has ended.

    Raises Unavailable, NotChanged: then nothing was done.
    """

    async def begin(self, months: Sequence[date]) -> None:
        """Makes the months and a new DEFAULT, all of them still apart."""

    async def chain_head(self) -> int:
        """The last committed batch's chain number, 0 if there is none."""

    async def parts(self, after: int, last: int) -> Sequence[StrayPart]:
        """What DEFAULT holds of the batches after one chain number up to another, in order."""

    async def copy(self, batch_ids: Sequence[UUID]) -> int:
        """Copies the rows of these batches to where they belong; how many. Never twice."""

    async def copied(self, batch_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[AuditRow]]:
        """The copies, as the new tables hold them, in leaf_no order."""

    async def lock(self) -> bool:
        """Sinks and readers wait from here to the end. False: they did not let us in."""

    async def swap(self) -> int:
        """The new tables take the old one's place; how many rows.

        Raises NotChanged if they hold fewer rows or more.
        """
