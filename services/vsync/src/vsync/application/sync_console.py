"""What operators ask of VSYNC, and the command that they publish."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from dict_common.kernel.errors import InputRefused, Undeliverable
from dict_common.ports.sealing import RestSealer
from vsync.application.entry_papers import EntryPapers, papers_in
from vsync.application.run_sync import ALL
from vsync.application.sync_process import number_of, participant_workflow_id
from vsync.domain.sync_run import SyncType

Row = dict[str, Any]

RUN = "vsync.run"
RUN_AGGREGATE = "vsync-run"
REQUESTED_BY = "dictctl"


@dataclass(frozen=True)
class WantedRuns:
    """Which runs; None is any. `number`: those that the command with these last digits started.
    `of_sets`: over one set each, or (False) of whole participants."""

    participant: str | None = None
    key_type: str | None = None
    status: str | None = None
    id: UUID | None = None
    number: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    of_sets: bool | None = None


@dataclass(frozen=True)
class WantedDiscrepancies:
    """Those of runs, or of an entry, or of a key by its hashes: one of the three."""

    runs: Sequence[UUID] | None = None
    entry_id: UUID | None = None
    key_hashes: Sequence[str] | None = None


@dataclass(frozen=True)
class WantedReviews:
    """Which reviews; None is any. `overdue_at`: open ones whose time was over then."""

    id: UUID | None = None
    status: str | None = None
    resolved_too: bool = False
    overdue_at: datetime | None = None


class SyncReader(Protocol):
    """Reads as `operator_ro`; sealed values stay sealed. Raises Unavailable."""

    async def runs(self, wanted: WantedRuns, limit: int) -> list[Row]:
        """The newest first, each with its report's figures. `id`: the run's, or its report's."""

    async def sets(self) -> list[Row]:
        """Every set: its keys, its VSync as it was folded, its last proof and its last run."""

    async def discrepancies(self, wanted: WantedDiscrepancies, limit: int) -> list[Row]:
        """The newest run's first, each with its run and its review."""

    async def cid_history(self, entries: Sequence[UUID], cids: Sequence[bytes]) -> list[Row]:
        """When CIDs came and went here, and by whom: those of entries, and these; oldest first."""

    async def refused_reports(
        self, entries: Sequence[UUID], since: datetime | None, until: datetime
    ) -> list[Row]:
        """Commands about entries that were refused within that time, oldest first."""

    async def command(self, consumer: str, command_id: UUID) -> Row | None:
        """`outcome` of a command, None while it is under way, and `detail` of a refusal once the
        audit has it. None where it was not taken yet."""

    async def reviews(self, wanted: WantedReviews, limit: int) -> list[Row]:
        """Open ones first, by the time by which they are to be decided."""


class Opener:
    """Opens sealed values where the keyset is at hand; None where it is not, or where they were
    erased or sealed by a key that is gone."""

    def __init__(self, rest: RestSealer | None) -> None:
        self._rest = rest
        self.closed = 0
        """How many did not open."""

    @property
    def has_keysets(self) -> bool:
        """Whether anything can be opened here at all."""
        return self._rest is not None

    def __call__(self, sealed: bytes | None) -> EntryPapers | None:
        """What was sealed."""
        if sealed is None:
            return None
        if self._rest is not None:
            try:
                return papers_in(sealed, self._rest)
            except Undeliverable:
                pass
        self.closed += 1
        return None

    def key_hashes(self, key_type: str, key: str) -> tuple[str, ...] | None:
        """By which a key is found, under every key of ours; None without the keyset."""
        if self._rest is None:
            return None
        return self._rest.look_up_hashes(f"{key_type}&{key}")


Open = Callable[[bytes | None], EntryPapers | None]


@dataclass(frozen=True)
class AskedRun:
    """What `vsync.run` shall say. `participant` None: all of ours."""

    participant: str | None
    full: bool
    since: datetime | None

    @property
    def subject(self) -> str:
        """`ce_subject`."""
        return self.participant or ALL

    def record(self, now: datetime) -> dict[str, object]:
        """The command's body. Raises InputRefused."""
        if self.since is not None and self.since > now:
            raise InputRefused("last-sync-date-invalid", "--since must be in the past")
        if self.since is not None and self.full:
            raise InputRefused(
                "last-sync-date-invalid",
                "--since is where the event log is read from, and --full reads a file of all",
            )
        return {
            "participant": self.participant,
            "sync_type": (SyncType.FULL if self.full else SyncType.INCREMENTAL).value,
            "last_sync_date": self.since,
            "requested_at": now,
            "requested_by": REQUESTED_BY,
        }


def workflow_ids(participants: Sequence[str], day: date, command_id: UUID) -> list[str]:
    """What a command that is published on `day` starts."""
    return [participant_workflow_id(it, day, number_of(command_id)) for it in participants]


def parts_of(run: Row, now: datetime) -> WantedRuns:
    """The runs over sets that a whole run has started: those of its participant and its time."""
    return WantedRuns(
        participant=run["participant"],
        since=run["started_at"],
        until=run["ended_at"] or now,
        of_sets=True,
    )
