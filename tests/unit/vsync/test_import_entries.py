"""Imports on fakes, and what becomes of a row before anything is stored."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from dict_common.kernel.errors import InputRefused
from dict_common.kernel.ids import new_id
from tests.support.entry_files import PERSONAL, FileInMemory, raw, row, rows
from tests.support.import_fakes import InMemoryImports
from tests.support.import_store_suite import (
    AS_OF,
    NOW,
    Bench,
    ImportStoreSuite,
    prepare_rows,
)
from vsync.application import import_entries
from vsync.application.import_entries import ImportOrder, ImportStore
from vsync.application.import_rows import COLUMNS, Chunk, Fault, PrepareRows, RawRow, chunks
from vsync.domain.entry import Entry, EntrySet, Told
from vsync.domain.imports import imported, outcome_of, report_as_of
from vsync.domain.precedence import Report, Source


class InMemoryBench:
    """The fake."""

    def __init__(self) -> None:
        self.imports = InMemoryImports(new_id)
        self.store: ImportStore = self.imports

    async def put(self, entry: Entry) -> None:
        """At once."""
        self.imports.entries[entry.entry_id] = entry

    async def entry(self, id_: UUID) -> Entry | None:
        """As it is."""
        return self.imports.entries.get(id_)

    async def payloads(self) -> Sequence[bytes]:
        """In order."""
        return [it.payload for it in self.imports.events]


class TestInMemoryImports(ImportStoreSuite):
    """The use case on its fake."""

    async def bench(self) -> Bench:
        """A fresh one."""
        self._bench = InMemoryBench()
        return self._bench

    async def test_entries_of_one_person_have_one_subject(self) -> None:
        bench = await self.bench()
        await self.run(bench.store, rows(3, 4, 5, 6, 7))
        subjects = list(self._bench.imports.subjects.values())
        assert subjects[0] == subjects[1] == subjects[2]
        assert subjects[3] == subjects[4] != subjects[0]

    async def test_the_wrong_file_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(import_entries, "FAULTS_MAX", 2)
        bench = await self.bench()
        given = [row(it, participant="99999999") for it in range(1, 8)]
        with pytest.raises(InputRefused, match=r"faults-too-many.*participant-unknown"):
            await self.run(bench.store, given)
        order = ImportOrder(AS_OF, "op-17", "ticket 4720", NOW)
        with pytest.raises(InputRefused, match="faults-too-many"):
            await self._case(bench.store).look(
                FileInMemory("b", given), order.as_of, lambda _: None
            )


@pytest.fixture(scope="module")
def prepare(tmp_path_factory: pytest.TempPathFactory) -> PrepareRows:
    """With keysets."""
    return prepare_rows(Path(tmp_path_factory.mktemp("keys")))


BAD = [
    ({"entry_id": ""}, [("entry_id", "field-missing")]),
    ({"entry_id": "x"}, [("entry_id", "id-invalid")]),
    ({"participant": "1234"}, [("participant", "participant-invalid")]),
    ({"participant": "99999999"}, [("participant", "participant-unknown")]),
    ({"key_type": "TEL"}, [("key_type", "value-unknown")]),
    ({"key": ""}, [("key", "field-missing")]),
    ({"key": "+55" + "1" * 75}, [("key", "field-too-long")]),
    ({"tax_id": "1" * 15}, [("tax_id", "field-too-long")]),
    ({"name": ""}, [("name", "field-missing")]),
    ({"name": "x" * 151}, [("name", "field-too-long")]),
    ({"name": "Jo\udce3o"}, [("name", "text-invalid")]),
    ({"trade_name": "x" * 101}, [("trade_name", "field-too-long")]),
    ({"branch": "1" * 11}, [("branch", "field-too-long")]),
    ({"account_number": ""}, [("account_number", "field-missing")]),
    ({"account_type": ""}, [("account_type", "field-missing")]),
    ({"request_id": "1"}, [("request_id", "id-invalid")]),
    (
        {"key_type": "", "name": "", "request_id": ""},
        [
            ("key_type", "value-unknown"),
            ("name", "field-missing"),
            ("request_id", "field-missing"),
        ],
    ),
]


@pytest.mark.parametrize(
    ("values", "faults"), BAD, ids=[" ".join(it[0]) + it[1][0][1] for it in BAD]
)
def test_a_row_tells_every_rule_that_it_breaks(
    prepare: PrepareRows, values: dict[str, str], faults: list[tuple[str, str]]
) -> None:
    ready = prepare(Chunk(0, [raw(row(1), 2), raw(row(2, **values), 3)], last=True))
    assert ready.faults == [Fault(3, *fault) for fault in faults]
    assert [it.line for it in ready.rows] == [2]


def test_a_row_with_other_columns_is_bad_as_a_whole(prepare: PrepareRows) -> None:
    short = RawRow(2, raw(row(1)).values[:-1])
    assert prepare(Chunk(0, [short], last=True)).faults == [Fault(2, "", "columns-differ")]


def test_nothing_personal_leaves_the_worker_in_clear(prepare: PrepareRows) -> None:
    ready = prepare(Chunk(0, [raw(row(1)), raw(row(2, name=""), 3)], last=True))
    assert not any(value in repr(ready) for value in PERSONAL)
    assert not any(value in repr(raw(row(1))) for value in PERSONAL)


def test_a_file_is_always_cut_alike() -> None:
    for count, wanted in ((0, [0]), (1, [1]), (3, [3]), (4, [3, 1]), (6, [3, 3])):
        cut = list(chunks(iter([raw(row(1))] * count), 3))
        assert [len(it.rows) for it in cut] == wanted
        assert [it.number for it in cut] == list(range(len(wanted)))
        assert [it.last for it in cut] == [False] * (len(wanted) - 1) + [True]


def test_columns_are_those_of_a_report_but_for_what_the_file_says_as_a_whole() -> None:
    assert set(COLUMNS) == set(row(1))


NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def test_an_entry_in_review_waits_for_its_person() -> None:
    stands = Report(Source.CORE, 1, NOON)
    of = EntrySet("12345678", "PHONE")
    waiting = Entry(UUID(int=1), of, None, stands, {Source.CORE: 1}, 2, review_id=UUID(int=2))
    told = Told(report_as_of(NOON + timedelta(days=1)), of, b"c" * 32)
    step = imported(waiting, waiting.entry_id, told)
    assert (step.entry, outcome_of(step)) == (waiting, "overtaken")
