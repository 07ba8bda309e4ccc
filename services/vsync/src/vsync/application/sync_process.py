"""Names and records of VSYNC's workflows: what Temporal keeps. No personal data in any of them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from dict_common.kernel.ids import derived_id
from vsync.domain.entry import EntrySet
from vsync.domain.sync_run import Rung

VSYNC_WORKFLOW = "VSyncWorkflow"
VSYNC_SCHEDULER_WORKFLOW = "VSyncSchedulerWorkflow"
VSYNC_SET_WORKFLOW = "VSyncSetWorkflow"
KEEP_ENTRY_WORKFLOW = "KeepEntryWorkflow"

PLAN_SYNC = "PlanSync"
START_SYNC = "StartSync"
AWAIT_REPORTS = "AwaitReports"
VERIFY_SYNC = "VerifySync"
FETCH_BACEN_ENTRIES = "FetchBacenEntries"
REQUEST_CID_FILE = "RequestCidFile"
COMPARE_ENTRIES = "CompareEntries"
IDENTIFY_ENTRIES = "IdentifyEntries"
CREATE_ENTRY = "CreateEntry"
UPDATE_ENTRY = "UpdateEntry"
FLAG_FOR_REVIEW = "FlagForReview"
GENERATE_SYNC_REPORT = "GenerateSyncReport"
PUBLISH_CLAIM_EVENT = "PublishClaimEvent"
REGISTER_ENTRY = "RegisterEntry"

_RUNS = UUID("0a3c1b52-86c5-5f1d-9d0e-5a2f6b7c8d90")
OVERLAP = timedelta(minutes=5)
"""Before the last proof: the log is read from here, for DICT's clock and its lag."""
FILE_OVERLAP = timedelta(seconds=60)
"""Before a file was made: what the log says from here on is not judged by the file."""


def run_id_of(workflow_id: str, workflow_run_id: str) -> UUID:
    """The id of a run: the same for whoever asks."""
    return derived_id(_RUNS, f"{workflow_id}\n{workflow_run_id}")


def participant_workflow_id(participant: str, day: date, number: str) -> str:
    """`number` tells a day's runs apart; 1 is the scheduled one."""
    return f"vsync-{participant}-{day.isoformat()}-{number}"


def number_of(command_id: UUID) -> str:
    """By which the workflows of a command are told from others of the day."""
    return command_id.hex


def set_workflow_id(of: EntrySet) -> str:
    """Fixed, so that no two runs of a set are at once."""
    return f"vsync-{of.participant}-{of.key_type}"


@dataclass(frozen=True)
class VSyncInput:
    """Seed 003. An empty participant: all of this installation."""

    participant_ispb: str = ""
    sync_type: str = "INCREMENTAL"
    last_sync_date: datetime | None = None


@dataclass(frozen=True)
class VSyncResult:
    """Seed 003. `entries_deleted`: put before a person; nothing is deleted by a run. `requests`:
    sent to DICT, also those that it refused or that nobody waited for."""

    report_id: UUID | None
    status: str
    sync_timestamp: datetime
    duration_ms: int = 0
    entries_synced: int = 0
    entries_created: int = 0
    entries_updated: int = 0
    entries_deleted: int = 0
    discrepancies: int = 0
    failed: int = 0
    requests: int = 0
    error_message: str | None = None


@dataclass(frozen=True)
class SyncPlan:
    """Whom a run is for, and how many runs go side by side."""

    participants: list[str]
    at_once: int


@dataclass(frozen=True)
class RunRef:
    """A run, as its activities know it. `key_type` is None for a participant's whole run."""

    run_id: UUID
    participant: str
    key_type: str | None
    sync_type: str
    started_at: datetime
    workflow_type: str
    workflow_id: str
    workflow_run_id: str

    @property
    def set(self) -> EntrySet:
        """Of a run over one set."""
        assert self.key_type is not None, "the whole run has no set"
        return EntrySet(self.participant, self.key_type)

    def call(self, operation: str, number: int | str) -> str:
        """The name of a call to the Bridge, for its ledger: 100 characters at most."""
        return f"{self.workflow_id}:{self.run_id.hex[:12]}:{operation}:{number}"


@dataclass(frozen=True)
class SetOrder:
    """Input of a set's workflow. `since`: where the log is read from, None: the last proof."""

    participant: str
    key_type: str
    sync_type: str
    since: datetime | None = None


@dataclass(frozen=True)
class SyncStart:
    """Input of StartSync."""

    run: RunRef
    since: datetime | None = None


@dataclass(frozen=True)
class Pace:
    """How long a run waits, in seconds. `between_tries` of a verification; `settle`: an event of
    DICT younger than this is not judged yet, for Core's report of it may be on its way."""

    between_tries: float
    settle: float


@dataclass(frozen=True)
class Started:
    """`since`: where the event log is read from; None: from its beginning."""

    pace: Pace
    since: datetime | None


@dataclass(frozen=True)
class VerifyStep:
    """Input of VerifySync; `number` counts the verifications of the run. `explained_at`: until then
    every difference is known and repaired, by DICT's own log, so that it proves a set which never
    stands still; where DICT says OK, that is the later proof."""

    run: RunRef
    number: int
    explained_at: datetime | None = None


@dataclass(frozen=True)
class Verified:
    """Whether our VSync (hexadecimal digits) of so many keys is proven."""

    ok: bool
    vsync: str
    keys: int


@dataclass(frozen=True)
class FetchStep:
    """Input of FetchBacenEntries: the log from `since` on, to its end."""

    run: RunRef
    rung: Rung
    since: datetime | None


@dataclass(frozen=True)
class FetchedLog:
    """`unusable`: why nothing was kept of it: too long, or it contradicts itself. `vsync`: DICT's
    at its end, in hexadecimal digits."""

    events: int
    unusable: str | None = None
    vsync: str | None = None


@dataclass(frozen=True)
class FetchedFile:
    """A file that DICT has made: its facts, not its content."""

    file_id: str
    creation_time: datetime
    bytes: int
    sha256: str


@dataclass(frozen=True)
class CompareStep:
    """Input of CompareEntries. With `file`: all CIDs; without: those of the fetched log, as far as
    they were settled at `settled_before`. `vsync`: DICT's at the end of that log."""

    run: RunRef
    rung: Rung
    settled_before: datetime
    file: FetchedFile | None = None
    vsync: str | None = None


@dataclass(frozen=True)
class Compared:
    """CIDs of one side alone. `unsettled`: too young to be judged. `explained`: with what the log
    says of them, and of nothing else, our set is what DICT's was at the end of the log."""

    only_local: int
    only_remote: int
    unsettled: int = 0
    explained: bool = False


@dataclass(frozen=True)
class RungStep:
    """Input of what works off a rung's findings. `by_file`: a file was compared, and what the log
    has named since is not judged by it."""

    run: RunRef
    rung: Rung
    by_file: bool = False


@dataclass(frozen=True)
class Identified:
    """Discrepancies by seed 003's types. `moved`: CIDs that changed meanwhile."""

    missing_local: int
    outdated_local: int
    missing_bacen: int
    moved: int


@dataclass(frozen=True)
class Settled:
    """What became of discrepancies of one type."""

    fixed: int = 0
    others: int = 0
    """GONE or OVERTAKEN: they differ no more, or a later report stands."""
    failed: int = 0


@dataclass(frozen=True)
class RunEnd:
    """Input of GenerateSyncReport and PublishClaimEvent. `parts`: the runs of a whole run."""

    run: RunRef
    status: str
    ended_at: datetime
    keys: int = 0
    vsync: str | None = None
    error: str | None = None
    parts: list[UUID] | None = None


def keep_workflow_id(review_id: UUID, number: int) -> str:
    """`number` counts the registrations of a review: one that was refused may be asked for anew."""
    return f"vsync-{review_id}-keep-{number}"


@dataclass(frozen=True)
class KeepOrder:
    """Input of KeepEntryWorkflow and of RegisterEntry."""

    review_id: UUID
    number: int

    @property
    def workflow_id(self) -> str:
        """The registration's own."""
        return keep_workflow_id(self.review_id, self.number)
