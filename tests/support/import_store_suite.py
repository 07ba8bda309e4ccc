"""The exam of an import, on the fake store and on PostgreSQL alike."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import pytest

from dict_common.bus.avro import AvroCodec
from dict_common.secrecy.development import make_missing
from dict_common.secrecy.events import SealingComposer
from dict_common.secrecy.hybrid import HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.testing.subject_keys import InMemorySubjectKeyStore
from dict_schemas import avro
from tests.support.bacen_suite import PARTICIPANT, PHONES, papers
from tests.support.entry_files import FileInMemory, Row, entry_id, row, rows
from vsync.adapters.import_workers import preparing
from vsync.application.import_entries import (
    CID_KNOWN,
    Begun,
    Ending,
    Imported,
    ImportedChunk,
    ImportEntries,
    ImportOrder,
    ImportStore,
)
from vsync.application.import_rows import Chunk, Fault, PrepareRows, ReadyChunk
from vsync.domain.entry import Entry, EntrySet
from vsync.domain.imports import Counted
from vsync.domain.precedence import Report, Source

AS_OF = datetime.fromisoformat("2026-11-29T12:00:00+00:00")
LATER, EARLIER = AS_OF + timedelta(hours=1), AS_OF - timedelta(hours=1)
NOW = AS_OF + timedelta(days=1)
CHUNK_ROWS = 3


def core(number: int, at: datetime, **values: Any) -> Entry:
    """The entry of a row as Core told of it."""
    report = Report(Source.CORE, 4, at)
    made = papers(number).cid
    entry = Entry(entry_id(number), PHONES, made, report, {Source.CORE: 4}, version=2)
    return replace(entry, **values)


class Dying(Exception):
    """The process is killed."""


class DiesBefore:
    """A store whose process is killed before it writes a chunk."""

    def __init__(self, store: ImportStore, number: int) -> None:
        self._store = store
        self._number = number

    async def begin(self, file_sha256: str, as_of: datetime, chunk_rows: int) -> Begun:
        """As it is."""
        return await self._store.begin(file_sha256, as_of, chunk_rows)

    async def look(self, chunk: ImportedChunk) -> tuple[Counted, Sequence[Fault]]:
        """As it is."""
        return await self._store.look(chunk)

    async def write(
        self, begun: Begun, chunk: ImportedChunk, ending: Ending | None
    ) -> tuple[Counted, Sequence[Fault]]:
        """Up to that chunk."""
        if chunk.ready.number == self._number:
            raise Dying
        return await self._store.write(begun, chunk, ending)


class Bench(Protocol):
    """What a subclass brings: the store, and the base behind it."""

    store: ImportStore

    def put(self, entry: Entry) -> Awaitable[None]:
        """Stands from now on, told by somebody else."""

    def entry(self, id_: UUID) -> Awaitable[Entry | None]:
        """As it stands."""

    def payloads(self) -> Awaitable[Sequence[bytes]]:
        """Bodies of all events."""


def prepare_rows(folder: Path) -> PrepareRows:
    """With keysets of a developer."""
    make_missing(folder)
    return preparing(folder, frozenset({PARTICIPANT, "87654321"}))


class ImportStoreSuite(ABC):
    """Subclasses say where the base is; it may be shared, if entries are not."""

    @pytest.fixture(autouse=True)
    def _sealing(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        folder = Path(tmp_path_factory.mktemp("keys"))
        self._rows = prepare_rows(folder)
        core = HybridSealer(KeysetFolder(folder).public("core-public"))
        self._composer = SealingComposer(AvroCodec(), None, core)
        self.persons = InMemorySubjectKeyStore()

    @abstractmethod
    async def bench(self) -> Bench:
        """An empty base."""

    async def run(
        self, store: ImportStore, given: Sequence[Row], as_of: datetime = AS_OF, name: str = "a"
    ) -> Imported:
        """An import of these rows."""
        order = ImportOrder(as_of, "op-17", "the core that goes, ticket 4720", NOW)
        return await self._case(store)(FileInMemory(name, given), order, lambda _: None)

    def _case(self, store: ImportStore) -> ImportEntries:
        async def prepare(chunk: Chunk) -> ReadyChunk:
            return self._rows(chunk)

        return ImportEntries(store, prepare, self.persons, self._composer, 2, CHUNK_ROWS)

    async def acted(self, bench: Bench) -> list[dict[str, Any]]:
        """The records of operator.acted."""
        latest = avro.latest("operator.acted")
        bodies = await bench.payloads()
        return [AvroCodec().decode("operator.acted", latest, it) for it in bodies]

    async def test_rows_become_entries_and_one_event_tells_of_all(self) -> None:
        bench = await self.bench()
        done = await self.run(bench.store, rows(*range(1, 9)))
        assert done.counted == Counted(created=8)
        for number in range(1, 9):
            entry = await bench.entry(entry_id(number))
            assert entry is not None
            made = row(number)["tax_id"]
            cid = replace(
                papers(number), attributes=papers(number).attributes._replace(tax_id=made)
            ).cid
            assert (entry.set, entry.cid, entry.version) == (PHONES, cid, 0)
            assert entry.stands == Report(Source.IMPORT, entry.numbers[Source.IMPORT], AS_OF)
        (event,) = await self.acted(bench)
        told = (event["verb"], event["rows"], event["rows_applied"], event["rows_bad"])
        assert told == ("ENTRIES_IMPORT", 8, 8, 0)
        assert (event["operator"], event["as_of"]) == ("op-17", AS_OF)
        assert event["file_sha256"] == done.file_sha256

    async def test_the_same_file_again_changes_nothing_and_tells_nothing(self) -> None:
        bench = await self.bench()
        first = await self.run(bench.store, rows(1, 2, 3))
        again = await self.run(bench.store, rows(1, 2, 3))
        assert (again.import_id, again.counted) == (first.import_id, first.counted)
        assert again.before is not None
        assert len(await self.acted(bench)) == 1

    async def test_nothing_newer_is_overwritten(self) -> None:
        bench = await self.bench()
        newer, older = core(1, LATER), core(2, EARLIER)
        same, gone = core(3, AS_OF), core(4, LATER, cid=None)
        for entry in (newer, older, same, gone):
            await bench.put(entry)
        done = await self.run(bench.store, [row(it, branch="0009") for it in range(1, 5)])
        assert done.counted == Counted(overtaken=3, updated=1)
        for entry in (newer, same, gone):
            kept = await bench.entry(entry.entry_id)
            assert kept is not None
            numbers = {**entry.numbers, Source.IMPORT: kept.numbers[Source.IMPORT]}
            assert kept == replace(entry, numbers=numbers)
        changed = await bench.entry(older.entry_id)
        assert changed is not None
        assert (changed.stands.source, changed.version) == (Source.IMPORT, 2)
        assert changed.numbers[Source.CORE] == 4
        assert changed.cid not in (None, older.cid)

    async def test_imports_come_in_any_order(self) -> None:
        bench = await self.bench()
        await self.run(bench.store, [row(1, branch="0002")], LATER, "later")
        early = await self.run(bench.store, [row(1)], AS_OF, "early")
        assert early.counted == Counted(seen=1)
        last = await self.run(
            bench.store, [row(1, participant="87654321")], LATER + timedelta(minutes=1), "last"
        )
        assert last.counted == Counted(updated=1)
        entry = await bench.entry(entry_id(1))
        assert entry is not None
        assert entry.set == EntrySet("87654321", "PHONE")

    async def test_what_says_the_same_later_stands_and_changes_no_vsync(self) -> None:
        bench = await self.bench()
        await self.run(bench.store, rows(1))
        done = await self.run(bench.store, rows(1), LATER, "b")
        assert done.counted == Counted(unchanged=1)
        entry = await bench.entry(entry_id(1))
        assert entry is not None
        assert entry.stands.dict_time == LATER

    async def test_a_killed_import_goes_on_where_it_was(self) -> None:
        bench = await self.bench()
        given = [*rows(*range(1, 5)), row(5, key=""), *rows(*range(6, 9))]
        with pytest.raises(Dying):
            await self.run(DiesBefore(bench.store, 2), given)
        assert await self.acted(bench) == []
        assert await bench.entry(entry_id(7)) is None
        counting = _Counting(bench.store)
        done = await self.run(counting, given)
        assert counting.written == [2]
        assert done.counted == Counted(created=7, bad=1)
        assert done.faults == [Fault(6, "key", "field-missing")]
        (event,) = await self.acted(bench)
        assert (event["rows"], event["rows_applied"], event["rows_bad"]) == (8, 7, 1)

    async def test_a_file_with_bad_rows_may_be_imported_again(self) -> None:
        bench = await self.bench()
        given = [row(1), row(2, participant="99999999")]
        first = await self.run(bench.store, given)
        assert first.faults == [Fault(3, "participant", "participant-unknown")]
        again = await self.run(bench.store, given)
        assert again.import_id != first.import_id
        assert again.counted == Counted(seen=1, bad=1)

    async def test_a_cid_that_another_entry_has_is_a_bad_row(self) -> None:
        bench = await self.bench()
        await self.run(bench.store, rows(1), name="b")
        twice = row(3, entry_id=str(entry_id(33)))
        done = await self.run(
            bench.store, [row(1, entry_id=str(entry_id(11))), row(2), row(3), twice]
        )
        assert done.counted == Counted(created=2, bad=2)
        assert done.faults == [
            Fault(2, "entry_id", CID_KNOWN),
            Fault(5, "entry_id", CID_KNOWN),
        ]
        assert await bench.entry(entry_id(11)) is None

    async def test_an_entry_that_stands_twice_is_taken_once(self) -> None:
        bench = await self.bench()
        given = [row(1), row(1, branch="0007"), row(2), row(1, branch="0008")]
        done = await self.run(bench.store, given)
        assert done.counted == Counted(created=2, seen=2)
        entry = await bench.entry(entry_id(1))
        assert entry is not None
        assert entry.cid == papers(1, tax_id=row(1)["tax_id"]).cid

    async def test_a_look_changes_nothing(self) -> None:
        bench = await self.bench()
        await bench.put(core(1, LATER))
        given = [row(1, branch="2"), row(2), row(3, tax_id="")]
        file = FileInMemory("a", given)
        done = await self._case(bench.store).look(file, AS_OF, lambda _: None)
        assert (done.import_id, done.counted) == (None, Counted(created=1, overtaken=1, bad=1))
        assert done.faults == [Fault(4, "tax_id", "field-missing")]
        assert await bench.entry(entry_id(2)) is None
        assert await bench.entry(entry_id(1)) == core(1, LATER)
        assert await self.acted(bench) == []
        assert (await self.run(bench.store, given)).counted == done.counted

    async def test_an_empty_file_is_an_import_of_nothing(self) -> None:
        bench = await self.bench()
        done = await self.run(bench.store, [])
        assert done.counted == Counted()
        assert len(await self.acted(bench)) == 1

    async def test_a_file_that_changed_meanwhile_does_not_come_to_its_end(self) -> None:
        bench, order = await self.bench(), ImportOrder(AS_OF, "op-17", "ticket 4720", NOW)
        file = FileInMemory("a", rows(*range(1, 6)), changed=True)
        with pytest.raises(AssertionError):
            await self._case(bench.store)(file, order, lambda _: None)
        assert await bench.entry(entry_id(3)) is not None
        assert await bench.entry(entry_id(4)) is None
        assert await self.acted(bench) == []


class _Counting(DiesBefore):
    """Tells which chunks were written."""

    def __init__(self, store: ImportStore) -> None:
        super().__init__(store, -1)
        self.written: list[int] = []

    async def write(
        self, begun: Begun, chunk: ImportedChunk, ending: Ending | None
    ) -> tuple[Counted, Sequence[Fault]]:
        """Noted."""
        self.written.append(chunk.ready.number)
        return await super().write(begun, chunk, ending)
