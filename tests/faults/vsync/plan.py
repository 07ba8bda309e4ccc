"""What one seed does: keys, what befalls them behind our back, a run, faults and kills. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from tests.faults.people import Person
from tests.faults.plan import BridgeFault, is_for_servers

OURS = ("vsync", "vsync-worker", "vsync-relay", "sink", "simulator")
SERVERS = ("pulsar", "temporal", "postgres")


class Fate(StrEnum):
    """What befalls a key at DICT."""

    STAYS = "stays"
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    REBORN = "removed and registered anew"


class Way(StrEnum):
    """How the run is asked for."""

    LOG = "INCREMENTAL"
    BLIND = "INCREMENTAL from now on"
    """Its log begins after the changes, so that only a file can tell of them."""
    FILE = "FULL"


@dataclass(frozen=True)
class KeyPlan:
    """One key. `at`: ms after the run was asked for; None: before it. `told`: so many ms after
    that Core reports it; None: never. `old`: DICT's log knows nothing of it, only a file does."""

    number: int
    person: Person
    fate: Fate
    at: int | None
    told: int | None
    old: bool = False

    @property
    def certain(self) -> bool:
        """The run finds it to differ, whatever happens meanwhile."""
        return self.fate is not Fate.STAYS and self.at is None and self.told is None


class Effect(StrEnum):
    """What is waited for before a kill."""

    TIME = "at its time"
    SHOWN = "row shows"
    CALLED = "called, not done at DICT"
    DONE = "done at DICT, not answered"
    ON_TOPIC = "on its topic"
    BLOCKED = "statement blocked by a lock"


@dataclass(frozen=True)
class Moment:
    """A step of a run that can be seen."""

    effect: Effect
    what: str


@dataclass(frozen=True)
class Kill:
    """SIGKILL of `target` when `moment` is seen, `after` ms later; gone for `down` ms."""

    target: str
    moment: Moment
    after: int
    down: int


@dataclass(frozen=True)
class FileFault:
    """One fault of a file of CIDs: `kind` is the field of the simulator's `CidFileFault`."""

    key_type: str
    kind: str
    value: int | str

    @property
    def spoils(self) -> bool:
        """No look at this file will ever be a good one: an operator stops the run."""
        return self.kind not in ("late_ms", "downloads_not_found", "status")


@dataclass(frozen=True)
class VsyncPlan:
    """Everything of a seed. `proven`: a run has proven the sets before anything befell them;
    `again`: how the next run is asked for."""

    seed: int
    keys: tuple[KeyPlan, ...]
    proven: bool
    way: Way
    again: Way
    faults: tuple[BridgeFault, ...]
    files: tuple[FileFault, ...]
    kills: tuple[Kill, ...]

    @property
    def kills_servers(self) -> bool:
        """Whether it needs servers of its own."""
        return is_for_servers(self.seed)

    @property
    def planted(self) -> tuple[str, ...]:
        """Personal values of everybody in it."""
        return tuple(value for key in self.keys for value in key.person.planted)


def _has(table: str, also: str = "TRUE") -> str:
    return f"EXISTS (SELECT FROM {table} WHERE run_id = run.id AND {also})"


ROWS = MappingProxyType(
    {
        "run": "run.status IS NOT NULL",
        "verified": "run.dict_result IS NOT NULL",
        "log": _has("vsync.log_cids"),
        "found": _has("vsync.found_cids"),
        "read": _has("vsync.found_cids", "seen_at IS NOT NULL"),
        "granted": _has("vsync.cid_files"),
        "ordered": _has("vsync.cid_files", "file_id IS NOT NULL"),
        "differing": _has("vsync.discrepancies"),
        "created": _has("vsync.discrepancies", "type = 'MISSING_LOCAL' AND state <> 'OPEN'"),
        "updated": _has("vsync.discrepancies", "type = 'OUTDATED_LOCAL' AND state <> 'OPEN'"),
        "in review": _has("vsync.manual_review_queue"),
        "proven": "run.verified_at IS NOT NULL",
        "reported": _has("vsync.sync_reports"),
        "ended": "run.completed_at IS NOT NULL",
    }
)
"""What a row of a run (`workflows.vsync_workflows AS run`) can show."""

CALLS = ("CreateSyncVerification", "ListCidEvents", "GetEntryByCid")
FILE_CALLS = ("RequestCidFile", "GetCidFile", "DownloadCidFile")
TOPICS = ("vsync.started", "vsync.discrepancy-found", "entry.corrected", "vsync.completed")
TABLES = (
    "workflows.vsync_workflows",
    "vsync.log_cids",
    "vsync.found_cids",
    "vsync.cid_files",
    "vsync.discrepancies",
    "vsync.entries",
    "vsync.cids",
    "vsync.cid_history",
    "vsync.folds",
    "vsync.manual_review_queue",
    "vsync.sync_reports",
    "connect.outbox",
)
"""A lock on one of them stops the worker in the middle of a transaction."""
FIRST_TABLE = "workflows.vsync_workflows"
"""The lock on it is there before the run begins; the others would stop its first statement too."""
STATEMENTS = MappingProxyType(
    {
        ("vsync-worker", "connect.outbox"): "%INSERT INTO connect.outbox%",
        ("vsync-relay", "connect.outbox"): "%publish_no%",
        ("vsync", "connect.inbox"): "%connect.inbox%",
    }
)
"""Where others write to the table as well: how the victim's statement looks."""
TABLE_OF = MappingProxyType({"vsync": "connect.inbox", "vsync-relay": "connect.outbox"})
"""The same of the consumer and the relay."""
