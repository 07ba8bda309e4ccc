"""An installation of VSYNC over fakes, on one virtual clock: workflows, steps, Core and DICT."""

import asyncio
import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from temporalio.testing import ActivityEnvironment

from dict_common.bus.avro import AvroCodec
from dict_common.kernel.envelope import Envelope
from dict_common.ports.inbox import Delivery, InboxKey
from dict_common.secrecy.development import make_missing
from dict_common.secrecy.events import SealingComposer
from dict_common.secrecy.hybrid import HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.secrecy.subjects import StoredSubjectSealer
from dict_common.testing.subject_keys import InMemorySubjectKeyStore
from tests.support.bacen_fakes import InMemoryBacen
from tests.support.entry_fakes import InMemoryEntries
from tests.support.review_fakes import InMemoryReviews
from tests.support.sync_fakes import (
    InMemoryCorrections,
    InMemoryFindings,
    InMemoryRuns,
    standing,
)
from tests.support.workflow_execution import Execution
from tests.support.workflow_simulation import Chance, Simulation
from vsync.activities.sync_activities import SyncActivities, SyncSteps
from vsync.application.compare_entries import CompareEntries
from vsync.application.decide_review import Voice
from vsync.application.end_sync import EndSync
from vsync.application.entry_papers import EntryPapers
from vsync.application.fetch_bacen import FetchBacen
from vsync.application.identify_entries import IdentifyEntries
from vsync.application.keep_entry import KeepEntry
from vsync.application.patient_bacen import PatientBacen
from vsync.application.prove_sync import ProveSync, SyncPolicy
from vsync.application.repair_entries import RepairEntries
from vsync.application.report_entry import ReportEntry
from vsync.application.sync_process import VSYNC_WORKFLOW, Pace, VSyncInput, VSyncResult
from vsync.application.telling import Telling
from vsync.application.writing import Secrecy, Writing
from vsync.domain.cid import CidAttributes, vsync_of
from vsync.domain.entry import EntrySet
from vsync.entrypoints.worker import WORKFLOWS

ISPB = "12345678"
PHONES = EntrySet(ISPB, "PHONE")
SETTLE = timedelta(seconds=60)
_IDS = UUID("6a1f4f0c-7c1a-4c0e-9b27-0a2a9a2a3b10")
Meanwhile = Callable[["Installation", str], None]
"""Called before each attempt of a step, by its name: what happens meanwhile, or what fails."""


def papers(number: int, key_type: str = "PHONE", name: str = "Maria Souza") -> EntryPapers:
    """A key of ours, each of its own person."""
    key = {"PHONE": f"+55619777{number:05d}", "CPF": f"{30_000_000_000 + number}"}[key_type]
    return EntryPapers(
        uuid5(_IDS, f"request {key_type} {number}"),
        CidAttributes(
            key_type, key, f"{20_000_000_000 + number}", name, "", ISPB, "0001", f"{number}", "CACC"
        ),
    )


@dataclass
class Backlog:
    """ReportBacklog."""

    oldest: datetime | None = None

    async def oldest_unread(self) -> datetime | None:
        """As the test says."""
        return self.oldest


@dataclass
class Installation:
    """What a test acts on. `meanwhile` is called before each attempt of a step."""

    folder: Path
    files_a_day: int = 40
    chance: Callable[[str], Chance] = lambda _name: Chance()
    meanwhile: Meanwhile = lambda _installation, _step: None
    backlog: Backlog = field(default_factory=Backlog)
    beats: Counter[str] = field(default_factory=Counter)
    """Heartbeats of each step."""

    def __post_init__(self) -> None:
        """Everything is there, and empty."""
        make_missing(self.folder)
        keysets = KeysetFolder(self.folder)
        self._numbers = count(1)
        self._runner = asyncio.Runner()
        self.simulation = Simulation(
            workflows={it.__name__: it for it in WORKFLOWS},
            chance=lambda name: self.chance(name),
        )
        clock = self.simulation
        rest = TinkRestSealer(keysets.private("rest"), keysets.private("prf"))
        subjects = StoredSubjectSealer(
            InMemorySubjectKeyStore(), keysets.private("kek"), rest, self._new_id
        )
        composer = SealingComposer(
            AvroCodec(), subjects, HybridSealer(keysets.public("core-public"))
        )
        self.telling, self.secrecy = Telling(composer), Secrecy(subjects, rest)
        self.bacen = InMemoryBacen(clock, self._new_id)
        self.patient = PatientBacen(self.bacen, clock, self._pause, lambda: None)
        self.entries = InMemoryEntries()
        self.runs = InMemoryRuns(self.entries, clock, requests=self._requests)
        self.findings = InMemoryFindings(self.entries, self.runs)
        self.corrections = InMemoryCorrections(self.entries, self.findings)
        self.reviews = InMemoryReviews(self.entries)
        self.voice = Voice(self.telling, composer, rest, clock)
        self.report = ReportEntry(
            self.entries, self.secrecy, Writing(self.telling), frozenset({ISPB}), clock
        )
        activities = SyncActivities(self._steps())
        self.simulation.activities = {
            _name_of(it): self._as_activity(it) for it in activities.all()
        }

    def close(self) -> None:
        """Lets go."""
        self._runner.close()

    def _steps(self) -> SyncSteps:
        clock, stores = self.simulation, (self.runs, self.findings)
        policy = SyncPolicy(
            participants=frozenset({ISPB}),
            sets_at_once=5,
            files_a_day=self.files_a_day,
            pace=Pace(10.0, SETTLE.total_seconds()),
            file_poll=timedelta(seconds=60),
            file_deadline=timedelta(hours=2),
            work_dir=self.folder,
        )
        fetch = FetchBacen(self.patient, stores, policy, clock, self._pause)
        return SyncSteps(
            prove=ProveSync(
                self.runs,
                self.patient,
                self.backlog,
                self.telling,
                policy,
                lambda _of, _vsync: None,
            ),
            fetch=fetch,
            compare=CompareEntries(self.findings, fetch),
            identify=IdentifyEntries(
                self.findings, self.patient, self.secrecy.rest, self.telling, clock
            ),
            repair=RepairEntries(self.corrections, self.patient, self.secrecy, self.telling, clock),
            end=EndSync(self.runs, self.telling, ()),
            keep=KeepEntry(self.reviews, self.patient, self.secrecy, self.telling, clock),
        )

    def _requests(self, run_id: UUID) -> int:
        return sum(run_id.hex[:12] in request_id for _, request_id in self.bacen.calls)

    async def _pause(self, seconds: float) -> None:
        self.simulation.now_ += timedelta(seconds=seconds)

    def _new_id(self) -> UUID:
        return uuid5(_IDS, f"id {next(self._numbers)}")

    def _as_activity(self, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """A step that may wait: its loop turns until it is done, and the clock stands."""

        @functools.wraps(step)
        async def attempt(argument: Any) -> Any:
            self.meanwhile(self, step.__name__)
            environment = ActivityEnvironment()
            environment.on_heartbeat = lambda *_: self.beats.update([step.__name__])
            return self._runner.run(environment.run(step, argument))

        attempt.__annotations__ = dict(step.__annotations__)
        return attempt

    # ---- what others do -----------------------------------------------------------------------

    def tell(self, entry_id: UUID, version: int, it: EntryPapers | None, of: EntrySet) -> None:
        """Core reports; None: deleted."""
        self.arrives(self.report_of(entry_id, version, it, of))

    def report_of(
        self, entry_id: UUID, version: int, it: EntryPapers | None, of: EntrySet
    ) -> tuple[Delivery, dict[str, Any]]:
        """As it arrives now."""
        now = self.simulation.now_
        record: dict[str, Any] = {
            "entry_id": str(entry_id),
            "operation": "DELETED" if it is None else "CREATED" if version == 1 else "UPDATED",
            "version": version,
            "dict_time": now,
            "participant": of.participant,
            "key_type": of.key_type,
        }
        if it is not None:
            record |= it.attributes._asdict() | {"request_id": str(it.request_id)}
            record |= {"trade_name": None, "account_opening_date": it.opening_date}
        command = self._new_id()
        envelope = Envelope(command, "entry.report", "/core", now, str(entry_id), "entry")
        key = InboxKey("vsync.entry-report", command, (command.bytes,))
        return Delivery(key, envelope, now), record

    def arrives(self, report: tuple[Delivery, dict[str, Any]]) -> None:
        """A report of before, only now."""
        self._runner.run(self.report(*report))

    def hold(self, *held: EntryPapers) -> None:
        """At DICT and in our base."""
        for it in held:
            self.bacen.add(it)
            of = EntrySet(ISPB, it.attributes.key_type)
            self.tell(entry_id_of(it), 1, it, of)

    def later(self, span: timedelta = timedelta(minutes=10)) -> None:
        """Time passes."""
        self.simulation.now_ += span

    # ---- runs ---------------------------------------------------------------------------------

    def start(self, sync_type: str = "INCREMENTAL", number: str = "1", **asked: Any) -> Execution:
        """A participant's run begins."""
        given = VSyncInput(ISPB, sync_type, **asked)
        id_ = f"vsync-{ISPB}-2026-01-02-{number}"
        return self.simulation.start(VSYNC_WORKFLOW, given, id_)

    def run(self, sync_type: str = "INCREMENTAL", number: str = "1", **asked: Any) -> VSyncResult:
        """A participant's run, to its end."""
        execution = self.start(sync_type, number, **asked)
        self.simulation.run()
        assert execution.closed == "COMPLETED", execution.result
        return self.runs.reports[
            next(
                run.ref.run_id
                for run in self.runs.runs.values()
                if run.ref.workflow_id == execution.id
            )
        ]

    def equal(self, of: EntrySet = PHONES) -> bool:
        """Our VSync is DICT's."""
        return vsync_of(standing(self.entries, of)) == self.bacen.vsync(of)

    def told(self, name: str) -> list[dict[str, Any]]:
        """Bodies of the events of a type."""
        codec = AvroCodec()
        return [
            codec.decode(name, 1, it.payload)
            for it in self.entries.events
            if it.envelope.type == name and it.topic.startswith("events/")
        ]


def entry_id_of(it: EntryPapers) -> UUID:
    """Core's id of a key."""
    return uuid5(_IDS, f"entry {it.attributes.key_type} {it.attributes.key}")


def _name_of(step: Callable[..., Any]) -> str:
    return str(getattr(step, "__temporal_activity_definition").name)
