"""From a report to an entry: every broken rule has its name, and reports come in any order."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from dict_common.bus.avro import AvroCodec
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.ids import new_id
from dict_common.ports.inbox import Delivery
from dict_common.secrecy.development import make_missing
from dict_common.secrecy.events import SealingComposer
from dict_common.secrecy.hybrid import HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.secrecy.subjects import StoredSubjectSealer
from dict_common.testing.clock import FixedClock
from dict_common.testing.subject_keys import InMemorySubjectKeyStore
from tests.support.entry_fakes import InMemoryEntries
from tests.support.entry_store_suite import EntryStoreSuite, key
from vsync.application.entry_papers import papers_in
from vsync.application.entry_report import entry_report
from vsync.application.ports import EntryStore
from vsync.application.report_entry import ReportEntry
from vsync.application.telling import Telling
from vsync.application.writing import Secrecy, Writing

OWN = frozenset({"12345678"})
ENTRY = UUID("0e5c6f0e-64fe-4adb-869f-08021ffdd852")
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
B = "11bc81ee9e1e04290bb98285eb59d6a0452fe853136ac6e69e0670b905704da7"
GOOD: dict[str, Any] = {
    "entry_id": str(ENTRY),
    "operation": "CREATED",
    "version": 1,
    "dict_time": NOON,
    "participant": "12345678",
    "key_type": "PHONE",
    "key": "+5561988880000",
    "tax_id": "11122233300",
    "name": "João Silva",
    "trade_name": None,
    "branch": "0001",
    "account_number": "0007654321",
    "account_type": "CACC",
    "request_id": "a946d533-7f22-42a5-9a9b-e87cd55c0f4d",
}
PERSONAL = ("5561988880000", "11122233300", "João", "0007654321", "a946d533")
SEALED = ("key", "tax_id", "name", "trade_name", "branch", "account_number", "request_id")
DELETED = GOOD | dict.fromkeys((*SEALED, "account_type")) | {"operation": "DELETED"}

REFUSED: list[tuple[dict[str, object], str]] = [
    ({"entry_id": "x"}, "id-invalid"),
    ({"entry_id": ""}, "field-missing"),
    ({"operation": "UNKNOWN"}, "value-unknown"),
    ({"version": -1}, "version-invalid"),
    ({"version": None}, "version-invalid"),
    ({"dict_time": None}, "field-missing"),
    ({"dict_time": datetime(1, 1, 1, tzinfo=UTC)}, "field-invalid"),
    ({"participant": "1234"}, "participant-invalid"),
    ({"participant": "87654321"}, "participant-unknown"),
    ({"key_type": "UNKNOWN"}, "value-unknown"),
    ({"key": None}, "field-missing"),
    ({"key": "x" * 78}, "field-too-long"),
    ({"tax_id": None}, "field-missing"),
    ({"name": "x" * 151}, "field-too-long"),
    ({"trade_name": "x" * 101}, "field-too-long"),
    ({"account_number": None}, "field-missing"),
    ({"account_type": None}, "field-missing"),
    ({"request_id": None}, "field-missing"),
    ({"request_id": "11122233300"}, "id-invalid"),
]


@pytest.mark.parametrize(("changes", "reason"), REFUSED)
def test_broken_rule_has_its_name(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(InputRefused) as refused:
        entry_report(GOOD | changes, OWN)
    assert refused.value.reason_code == reason
    assert not [value for value in PERSONAL if value in refused.value.detail]


def test_what_todays_patterns_refuse_is_an_entry_all_the_same() -> None:
    odd = {"branch": "00001", "account_type": "CACC", "key": "5561988880000", "tax_id": "1"}
    report = entry_report(GOOD | odd, OWN)
    assert report.papers is not None
    assert report.papers.attributes.branch == "00001"
    assert not [value for value in PERSONAL if value in repr(report)]


class Base:
    """The consumer's use case over fakes, with real keysets."""

    def __init__(self, folder: Path) -> None:
        make_missing(folder)
        keysets = KeysetFolder(folder)
        self.rest = TinkRestSealer(keysets.private("rest"), keysets.private("prf"))
        subjects = StoredSubjectSealer(
            InMemorySubjectKeyStore(), keysets.private("kek"), self.rest, new_id
        )
        core = HybridSealer(keysets.public("core-public"))
        self.store = InMemoryEntries()
        self.report = ReportEntry(
            self.store,
            Secrecy(subjects, self.rest),
            Writing(Telling(SealingComposer(AvroCodec(), subjects, core))),
            OWN,
            FixedClock(),
            lambda participant, delay: self.took.append((participant, delay)),
        )
        self.took: list[tuple[str, timedelta]] = []

    async def told(self, record: dict[str, Any], delivery: Delivery | None = None) -> str | None:
        """The inbox's word for it."""
        delivery = delivery or _delivery()
        await self.report(delivery, record)
        return self.store.inbox[self.store.row(delivery.key)]

    @property
    def events(self) -> list[str]:
        """Their types."""
        return [it.envelope.type for it in self.store.events]


def _delivery(subject: UUID = ENTRY) -> Delivery:
    command = key()
    envelope = Envelope(command.command_id, "entry.report", "/core", NOON, str(subject), "entry")
    return Delivery(command, envelope, NOON + timedelta(days=1))


@pytest.fixture
def base(tmp_path: Path) -> Base:
    """A fresh one."""
    return Base(tmp_path)


async def test_a_report_becomes_an_entry_with_bacens_cid(base: Base) -> None:
    assert await base.told(GOOD) == "created"
    entry, papers = base.store.entries[ENTRY], base.store.papers[ENTRY]
    assert entry.cid is not None
    assert papers is not None
    assert entry.cid.hex() == B
    opened = papers_in(papers.sealed, base.rest)
    assert (opened.attributes.name, opened.attributes.trade_name) == ("João Silva", "")
    assert opened.cid == entry.cid
    (event,) = base.store.events
    record = AvroCodec().decode("entry.created", 1, event.payload)
    assert (record["cid"], record["cid_before"], record["source"]) == (B, None, "CORE")
    assert not [value for value in PERSONAL if value.encode() in event.payload]


async def test_the_same_command_again_changes_nothing(base: Base) -> None:
    delivery = _delivery()
    for _ in range(2):
        await base.report(delivery, GOOD)
    assert base.events == ["entry.created"]


async def test_how_long_a_new_report_took_is_measured(base: Base) -> None:
    delivery = _delivery()
    for _ in range(2):
        await base.told(GOOD, delivery)
    assert base.took == [("12345678", timedelta(days=1))]


async def test_a_life_and_what_is_told_of_it(base: Base) -> None:
    renamed = GOOD | {"operation": "UPDATED", "version": 2, "name": "João S."}
    assert [await base.told(it) for it in (GOOD, renamed)] == ["created", "updated"]
    assert await base.told(renamed | {"version": 3}) == "unchanged"
    assert await base.told(GOOD) == "seen"
    assert await base.told(DELETED | {"version": 4}) == "deleted"
    assert base.store.papers[ENTRY] is None
    assert await base.told(renamed | {"version": 5}) == "created"
    assert base.events == ["entry.created", "entry.updated", "entry.deleted", "entry.created"]
    assert base.store.entries[ENTRY].version == 4


async def test_reports_in_any_order_come_to_the_same_entry(tmp_path: Path) -> None:
    life = [
        GOOD,
        GOOD | {"version": 2, "operation": "UPDATED", "name": "João S."},
        DELETED | {"version": 3, "dict_time": NOON + timedelta(hours=1)},
    ]
    for number, order in enumerate(itertools.permutations(life)):
        base = Base(tmp_path / str(number))
        for record in order:
            await base.told(record)
        assert base.store.entries[ENTRY].cid is None
        assert base.events[-1:] in ([], ["entry.deleted"])
        assert base.store.entries[ENTRY].version == len(base.events)


async def test_a_report_must_be_about_its_subject(base: Base) -> None:
    with pytest.raises(InputRefused, match="subject-differs"):
        await base.told(GOOD, _delivery(UUID(int=1)))


class TestInMemoryEntries(EntryStoreSuite):
    """The fake."""

    @pytest.fixture(autouse=True)
    def entries(self) -> None:
        """A fresh one."""
        self._entries = InMemoryEntries()

    async def store(self) -> EntryStore:
        """The same for a whole test."""
        return self._entries

    async def told_of(self, entry_id: UUID) -> list[int]:
        """By the version that each had when it was told."""
        told = [it for it in self._entries.events if it.key == str(entry_id)]
        return list(range(1, len(told) + 1))
