"""The exam that RunStore, Findings and Corrections pass, fakes and adapters alike: one base of
entries stands behind all of them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from dict_common.kernel.envelope import Envelope
from dict_common.ports.outgoing import OutgoingEvent
from tests.support.entry_store_suite import becomes, key
from vsync.application.ports import EntryStore, Met, Papers, Written
from vsync.application.sync_ports import (
    Corrections,
    Findings,
    FoundDiscrepancy,
    OrderedFile,
    RunStore,
    Said,
)
from vsync.application.sync_process import RunEnd, RunRef
from vsync.domain.cid import vsync_of
from vsync.domain.cid_events import CidEvent, CidEventType, CidLog, LogPage
from vsync.domain.cid_sets import CidSet
from vsync.domain.discrepancies import DiscrepancyType
from vsync.domain.entry import Entry, EntrySet
from vsync.domain.precedence import Report, Source
from vsync.domain.sync_run import Rung

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
MISSING_BACEN = DiscrepancyType.MISSING_BACEN
MISSING_LOCAL, OUTDATED_LOCAL = DiscrepancyType.MISSING_LOCAL, DiscrepancyType.OUTDATED_LOCAL


@dataclass(frozen=True)
class Stores:
    """Over one database."""

    entries: EntryStore
    runs: RunStore
    findings: Findings
    corrections: Corrections


def a_set() -> EntrySet:
    """One that nobody met before, so that tests may share a database."""
    return EntrySet(uuid4().hex[:8], "PHONE")


def a_run(of: EntrySet, started_at: datetime | None = None) -> RunRef:
    """Of a set."""
    id_ = uuid4()
    return RunRef(
        run_id=id_,
        participant=of.participant,
        key_type=of.key_type,
        sync_type="INCREMENTAL",
        started_at=started_at or datetime.now(UTC),
        workflow_type="VSyncSetWorkflow",
        workflow_id=f"vsync-{of.participant}-{of.key_type}",
        workflow_run_id=str(uuid4()),
    )


def an_event(about: UUID, name: str = "vsync.started") -> OutgoingEvent:
    """Some event of an aggregate."""
    envelope = Envelope(uuid4(), name, "/s", NOON, str(about), "vsync-run")
    return OutgoingEvent(f"events/{name}", envelope.subject, envelope, b"body", 1)


def an_entry(of: EntrySet) -> tuple[Entry, Papers]:
    """An active one, and what stands beside it."""
    report = Report(Source.CORE, 1, NOON)
    cid = uuid4().bytes + uuid4().bytes
    entry = Entry(uuid4(), of, cid, report, {Source.CORE: 1}, version=1)
    return entry, Papers(uuid4().hex * 2, uuid4().bytes, uuid4())


def end_of(run: RunRef, status: str = "COMPLETED", **changes: object) -> RunEnd:
    """Of a run."""
    ended = run.started_at + timedelta(seconds=2)
    return replace(RunEnd(run, status, ended), **changes)  # type: ignore[arg-type]


def log_of(*events: tuple[CidEventType, bytes, datetime]) -> CidLog:
    """Folded."""
    log = CidLog()
    listed = tuple(CidEvent(*it) for it in events)
    first = vsync_of([listed[0].cid]) if listed else bytes(32)
    log.add(LogPage(listed, first, vsync_of([it.cid for it in listed]), has_more=False))
    return log


class SyncStoreSuite(ABC):
    """What the ports promise."""

    @abstractmethod
    async def stores(self) -> Stores:
        """The ports."""

    @abstractmethod
    async def told_of(self, aggregate_id: UUID) -> int:
        """How many events of an aggregate are on their way."""

    async def held(self, stores: Stores, of: EntrySet, count: int) -> list[tuple[Entry, Papers]]:
        """Entries of ours."""
        made = [an_entry(of) for _ in range(count)]
        for entry, papers in made:
            await stores.entries.accept(key(), entry.entry_id, None, becomes(entry, papers))
        return made

    async def test_a_run_begins_once_and_the_last_proof_is_known(self) -> None:
        stores, of = await self.stores(), a_set()
        first, second = a_run(of), a_run(of, datetime.now(UTC) + timedelta(seconds=1))
        for _ in range(2):
            await stores.runs.start(first, None, (an_event(first.run_id),))
        assert await self.told_of(first.run_id) == 1
        assert await stores.runs.proven_before(second) is None
        local = await stores.runs.local_vsync(of)
        await stores.runs.verified(first.run_id, local, ok=False, proven_at=None)
        assert await stores.runs.proven_before(second) is None
        await stores.runs.verified(first.run_id, local, ok=True, proven_at=local.at)
        assert await stores.runs.proven_before(second) == local.at
        assert await stores.runs.proven_before(first) is None

    async def test_a_vsync_is_that_of_the_active_cids(self) -> None:
        stores, of = await self.stores(), a_set()
        assert (await stores.runs.local_vsync(of)).vsync == bytes(32)
        made = await self.held(stores, of, 3)
        local = await stores.runs.local_vsync(of)
        cids = [entry.cid for entry, _ in made if entry.cid]
        assert (local.vsync, local.keys, local.fold_differed) == (vsync_of(cids), 3, False)

    async def test_a_report_is_written_once_and_a_run_ends_once(self) -> None:
        stores, run, report_id = await self.stores(), a_run(a_set()), uuid4()
        await stores.runs.start(run, None, ())
        end = end_of(run, keys=3)
        result = await stores.runs.report(end, report_id)
        assert (result.report_id, result.entries_synced) == (report_id, 3)
        assert (result.status, result.duration_ms) == ("COMPLETED", 2000)
        again = await stores.runs.report(replace(end, status="FAILED", keys=9), uuid4())
        assert again == result
        for _ in range(2):
            await stores.runs.ended(end, result, (an_event(run.run_id, "vsync.completed"),))
        assert await self.told_of(run.run_id) == 1

    async def test_a_whole_run_sums_up_its_parts(self) -> None:
        stores, of = await self.stores(), a_set()
        part, whole = a_run(of), replace(a_run(of), key_type=None)
        for run in (part, whole):
            await stores.runs.start(run, None, ())
        await stores.runs.report(end_of(part, keys=5), uuid4())
        summed = await stores.runs.report(end_of(whole, parts=[part.run_id]), uuid4())
        assert summed.entries_synced == 5

    async def test_files_are_counted_and_known_by_their_run(self) -> None:
        stores, run = await self.stores(), a_run(a_set())
        await stores.runs.start(run, None, ())
        assert await stores.runs.file_of(run.run_id) is None
        assert not await stores.runs.file_granted(run, 0)
        assert await stores.runs.file_granted(run, 1_000)
        file_id, at = str(uuid4()), datetime.now(UTC)
        for _ in range(2):
            await stores.runs.file_ordered(run, file_id, at)
        assert await stores.runs.file_of(run.run_id) == OrderedFile(file_id, at)

    async def test_a_log_is_compared_with_what_stands(self) -> None:
        stores, of = await self.stores(), a_set()
        (entry, _), *_ = await self.held(stores, of, 2)
        run, new, young = a_run(of), b"n" * 32, b"y" * 32
        assert entry.cid is not None
        added, removed = CidEventType.ADDED, CidEventType.REMOVED
        log = log_of((removed, entry.cid, NOON), (removed, b"g" * 32, NOON), (added, new, NOON))
        await stores.findings.keep_log(run.run_id, Rung.EVENTS, log_of((added, young, NOON)))
        await stores.findings.keep_log(run.run_id, Rung.EVENTS, log)
        compared = await stores.findings.compare_log(run, Rung.EVENTS, NOON, None)
        assert (compared.only_local, compared.only_remote, compared.unsettled) == (1, 1, 0)
        found = await stores.findings.found(run, Rung.EVENTS)
        assert [(it.remote, it.cid, it.dict_at) for it in found] == [
            (True, new, NOON),
            (False, entry.cid, NOON),
        ]
        assert found[1].entry_id == entry.entry_id
        before = NOON - timedelta(seconds=1)
        unsettled = await stores.findings.compare_log(run, Rung.EVENTS, before, None)
        assert (unsettled.only_local, unsettled.only_remote, unsettled.unsettled) == (0, 0, 2)

    async def test_a_log_explains_a_set_by_its_own_vsync(self) -> None:
        stores, of = await self.stores(), a_set()
        held = [entry.cid for entry, _ in await self.held(stores, of, 2) if entry.cid]
        run, new, at = a_run(of), b"n" * 32, NOON
        log = log_of((CidEventType.REMOVED, held[0], at), (CidEventType.ADDED, new, at))
        await stores.findings.keep_log(run.run_id, Rung.EVENTS, log)
        theirs = vsync_of([held[1], new])
        for vsync, explained in ((theirs, True), (vsync_of(held), False), (None, False)):
            for before in (NOON, NOON - timedelta(seconds=1)):
                done = await stores.findings.compare_log(run, Rung.EVENTS, before, vsync)
                assert done.explained is explained
        await stores.findings.keep_log(
            run.run_id, Rung.FILE, log_of((CidEventType.ADDED, held[0], at))
        )
        done = await stores.findings.compare_log(run, Rung.FILE, NOON, vsync_of(held))
        assert (done.only_local, done.only_remote, done.explained) == (0, 0, True)

    async def test_a_whole_set_is_read_as_often_as_is_asked(self) -> None:
        stores, of = await self.stores(), a_set()
        made = await self.held(stores, of, 5)
        cids = [entry.cid for entry, _ in made if entry.cid]
        async with stores.findings.local_cids(of) as reading:
            read = CidSet(reading)
            assert (read.count, read.vsync) == (5, vsync_of(cids))
            assert set(read.having(read.prefixes)) == set(cids)
        async with stores.findings.local_cids(a_set()) as reading:
            assert CidSet(reading).count == 0

    async def test_findings_of_a_file_are_read_and_what_moved_is_forgotten(self) -> None:
        stores, of = await self.stores(), a_set()
        ((ours, papers),) = await self.held(stores, of, 1)
        run, new, moved = a_run(of), b"n" * 32, b"m" * 32
        assert ours.cid is not None
        for only_remote in ([b"o" * 32], [new, moved]):
            await stores.findings.keep(run.run_id, Rung.FILE, [ours.cid], only_remote)
        log = log_of((CidEventType.ADDED, moved, NOON))
        await stores.findings.keep_log(run.run_id, Rung.FILE, log)
        assert await stores.findings.drop_moved(run.run_id, Rung.FILE) == 1
        assert await stores.findings.unread(run.run_id, Rung.FILE, 10) == [new]
        said = Said(NOON, papers.key_hash, b"theirs")
        await stores.findings.read(run.run_id, Rung.FILE, new, said)
        assert await stores.findings.unread(run.run_id, Rung.FILE, 10) == []
        remote, local = await stores.findings.found(run, Rung.FILE)
        assert (remote.cid, remote.key_hash, remote.seen_at) == (new, papers.key_hash, NOON)
        assert (local.cid, local.key_hash) == (ours.cid, papers.key_hash)
        (twin,) = await stores.findings.twins(run, Rung.FILE)
        assert (twin.entry_id, twin.cid) == (ours.entry_id, ours.cid)
        differs = replace(discrepancy(1, OUTDATED_LOCAL, ours), local_cid=ours.cid, remote_cid=new)
        await stores.runs.start(run, None, ())
        await stores.findings.classified(run, Rung.FILE, [differs], (an_event(run.run_id),))
        ((read,),) = [
            it async for it in stores.corrections.open(run.run_id, Rung.FILE, OUTDATED_LOCAL)
        ]
        assert (read.local_sealed, read.remote_sealed) == (papers.sealed, b"theirs")

    async def found(
        self, stores: Stores, run: RunRef, *items: FoundDiscrepancy
    ) -> Sequence[FoundDiscrepancy]:
        """Of a run that has begun."""
        await stores.runs.start(run, None, (an_event(run.run_id),))
        event = an_event(run.run_id, "vsync.discrepancy-found")
        await stores.findings.classified(run, Rung.EVENTS, items, (event,))
        return items

    async def test_a_discrepancy_is_corrected_once_with_its_entry(self) -> None:
        stores, of = await self.stores(), a_set()
        run, (entry, papers) = a_run(of), an_entry(of)
        (item,) = await self.found(stores, run, discrepancy(1, MISSING_LOCAL, entry))
        assert await stores.findings.counts(run.run_id, Rung.EVENTS) == {MISSING_LOCAL: 1}
        assert await self.told_of(run.run_id) == 2
        (batch,) = [it async for it in stores.corrections.open(run.run_id, Rung.EVENTS, item.type)]
        assert list(batch) == [item]
        decided: list[Met] = []

        async def decide(met: Met) -> Written:
            decided.append(met)
            return Written("FIXED", entry, stands=True, papers=papers)

        for _ in range(2):
            state = await stores.corrections.correct(run.run_id, Rung.EVENTS, item, None, decide)
            assert state == "FIXED"
        assert decided == [Met(None)]
        assert (await stores.runs.local_vsync(of)).vsync == entry.cid
        assert not [it async for it in stores.corrections.open(run.run_id, Rung.EVENTS, item.type)]
        result = await stores.runs.report(end_of(run), uuid4())
        assert (result.entries_created, result.discrepancies, result.failed) == (1, 1, 0)

    async def test_a_cid_that_stands_elsewhere_by_now_is_gone(self) -> None:
        stores, of = await self.stores(), a_set()
        ((entry, papers),) = await self.held(stores, of, 1)
        run, made_up = a_run(of), replace(entry, entry_id=uuid4())
        (item,) = await self.found(stores, run, discrepancy(1, MISSING_LOCAL, made_up))

        async def decide(_: Met) -> Written:
            return Written("FIXED", made_up, stands=True, papers=papers)

        state = await stores.corrections.correct(run.run_id, Rung.EVENTS, item, None, decide)
        assert state == "GONE"
        assert (await stores.runs.local_vsync(of)).keys == 1

    async def test_an_open_discrepancy_tells_when_its_entry_was_told_of(self) -> None:
        stores, of = await self.stores(), a_set()
        ((entry, _),) = await self.held(stores, of, 1)
        run = a_run(of)
        await self.found(stores, run, discrepancy(1, MISSING_BACEN, entry))
        (batch,) = [
            it async for it in stores.corrections.open(run.run_id, Rung.EVENTS, MISSING_BACEN)
        ]
        assert [it.stands_at for it in batch] == [entry.stands.dict_time]

    async def test_what_could_not_be_repaired_is_counted_and_not_tried_again(self) -> None:
        stores, of = await self.stores(), a_set()
        run = a_run(of)
        items = await self.found(
            stores, run, *(discrepancy(number, OUTDATED_LOCAL) for number in range(1, 6))
        )
        run_id = run.run_id
        await stores.corrections.settled(run_id, Rung.EVENTS, 2, "FAILED", "too-large")
        await stores.corrections.settled(run_id, Rung.EVENTS, 3, "GONE", None)
        batches = [
            [it.number for it in batch]
            async for batch in stores.corrections.open(run_id, Rung.EVENTS, OUTDATED_LOCAL)
        ]
        assert [number for batch in batches for number in batch] == [1, 4, 5]
        result = await stores.runs.report(end_of(run), uuid4())
        assert (result.discrepancies, result.failed) == (len(items), 4)


def discrepancy(number: int, of: DiscrepancyType, entry: Entry | None = None) -> FoundDiscrepancy:
    """Some key that differs."""
    return FoundDiscrepancy(
        number=number,
        type=of,
        entry_id=uuid4() if entry is None else entry.entry_id,
        key_hash="k" * 64,
        local_cid=None,
        remote_cid=number.to_bytes(32, "big") if entry is None else entry.cid,
        dict_at=NOON,
        seen_at=NOON,
    )
