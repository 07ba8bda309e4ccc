"""What operators are shown of VSYNC: masks, sentences, what parted two versions, and waiting."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from dict_common.kernel.errors import InputRefused, Undeliverable
from dict_common.kernel.personal import PERSONAL_SHAPES
from vsync.application.await_runs import AwaitRuns
from vsync.application.compare_file import compare_file
from vsync.application.daily_schedule import changes, wanted
from vsync.application.entry_papers import CONTEXT, EntryPapers
from vsync.application.explain_sync import Past, explained
from vsync.application.fetch_bacen import FileInvalid
from vsync.application.repair_entries import FAILED, FIXED, GONE, IN_REVIEW, OVERTAKEN
from vsync.application.sync_console import AskedRun, Opener, Row, workflow_ids
from vsync.application.sync_report import COLUMNS, reported
from vsync.domain.cid import CidAttributes
from vsync.domain.discrepancies import DiscrepancyType
from vsync.domain.fates import OPEN, fate
from vsync.domain.masking import how_it_differs, masked_key, shown

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
JOAO = CidAttributes(
    "PHONE",
    "+5561988880000",
    "11122233300",
    "João Silva",
    "",
    "12345678",
    "0001",
    "7654321",
    "CACC",
)
REQUEST = UUID("a946d533-7f22-42a5-9a9b-e87cd55c0f4d")
OURS, THEIRS = b"\x01" * 32, b"\x02" * 32


class ClearSealer:
    """Opens what begins with its context, and nothing else."""

    def seal(self, context: str, plaintext: bytes) -> bytes:
        """Not sealed at all."""
        return context.encode() + plaintext

    def open(self, context: str, ciphertext: bytes) -> bytes:
        """Raises Undeliverable."""
        if not ciphertext.startswith(context.encode()):
            raise Undeliverable("ciphertext-invalid", context)
        return ciphertext.removeprefix(context.encode())

    def look_up_hash(self, text: str) -> str:
        """The text."""
        return text

    def look_up_hashes(self, text: str) -> tuple[str, ...]:
        """Under two keys."""
        return text, f"old {text}"


SEALER = ClearSealer()


def sealed(attributes: CidAttributes, request_id: UUID = REQUEST) -> bytes:
    """As a discrepancy holds it."""
    return EntryPapers(request_id, attributes).sealed(SEALER)


def found(type_: DiscrepancyType, **changes: object) -> Row:
    """A row of the reader: both sides, where the type has both."""
    local = None if type_ is DiscrepancyType.MISSING_LOCAL else OURS
    remote = None if type_ is DiscrepancyType.MISSING_BACEN else THEIRS
    return {
        "run_id": uuid4(),
        "rung": 1,
        "number": 1,
        "type": str(type_),
        "entry_id": UUID(int=1),
        "key_hash": "h",
        "local_cid": local,
        "remote_cid": remote,
        "local_sealed": local and sealed(JOAO),
        "remote_sealed": remote and sealed(JOAO._replace(name="JOÃO SILVA")),
        "dict_at": NOON,
        "seen_at": NOON,
        "state": OPEN,
        "reason_code": None,
        "settled_at": None,
        "participant": "12345678",
        "key_type": "PHONE",
        "started_at": NOON + HOUR,
        "proven_before": NOON - HOUR,
        "review_id": None,
        "review_status": None,
    } | changes


def came(cid: bytes, **changes: object) -> Row:
    """A row of the history."""
    return {
        "entry_id": UUID(int=1),
        "event": "ADDED",
        "source": "CORE",
        "dict_time": NOON - HOUR,
        "caused_by": uuid4(),
        "at": NOON,
        "cid": cid,
    } | changes


@pytest.mark.parametrize(
    ("key_type", "key", "mask"),
    [
        ("PHONE", "+5561988880000", "+55*********00"),
        ("CPF", "11122233300", "*********00"),
        ("CNPJ", "12345678000195", "************95"),
        ("EMAIL", "maria@example.com.br", "m***@***.br"),
        ("EMAIL", "m@localhost", "m***@***"),
        ("EVP", "123e4567-e89b-12d3-a456-426614174000", "********************************4000"),
        ("PHONE", "+551", "[4 characters]"),
        ("OTHER", "", "[nothing]"),
    ],
)
def test_a_mask_tells_its_owner_and_nobody_else(key_type: str, key: str, mask: str) -> None:
    assert masked_key(key_type, key) == mask
    assert PERSONAL_SHAPES.search(mask) is None


@pytest.mark.parametrize(
    ("ours", "theirs", "how"),
    [
        ("Joa\u0303o", "Jo\u00e3o", "another Unicode form of the same letters"),
        ("João", "JOÃO", "upper and lower case alone"),
        ("Joao", "João", "accents alone"),
        ("João  S", "João S", "blanks alone"),
        ("1", "0001", "leading zeros alone"),
        ("João", "João Silva", "ours is the beginning of DICT's"),
        ("João Silva", "João", "DICT's is the beginning of ours"),
        ("", "João", "DICT alone has one"),
        ("João", "", "we alone have one"),
        ("João", "Maria", None),
    ],
)
def test_texts_that_look_alike(ours: str, theirs: str, how: str | None) -> None:
    assert how_it_differs(ours, theirs) == how


def test_what_is_no_personal_data_stands_and_the_rest_shows_its_length() -> None:
    values = {**JOAO._asdict(), "request_id": str(REQUEST)}
    clear = {name for name, value in values.items() if value and shown(name, value) == value}
    assert clear == {"key_type", "participant", "branch", "account_type"}


def test_every_state_of_every_type_has_its_sentence() -> None:
    states = (OPEN, FIXED, IN_REVIEW, GONE, OVERTAKEN, FAILED)
    for type_ in DiscrepancyType:
        for state in states:
            if (type_, state) != (DiscrepancyType.MISSING_BACEN, FIXED):
                assert fate(type_, state) != state


def test_a_report_shows_nothing_sealed() -> None:
    row = reported(found(DiscrepancyType.OUTDATED_LOCAL), Opener(SEALER))
    assert tuple(row) == COLUMNS
    assert row["key"] == "+55*********00"
    assert (row["local_cid"], row["dict_cid"]) == (OURS.hex(), THEIRS.hex())
    assert not any(isinstance(value, bytes) for value in row.values())


@pytest.mark.parametrize("opener", [Opener(None), Opener(SEALER)])
def test_what_does_not_open_says_so(opener: Opener) -> None:
    damaged = found(
        DiscrepancyType.OUTDATED_LOCAL, local_sealed=b"damaged", remote_sealed=b"damaged"
    )
    row = explained(damaged, Past([], []), opener)
    assert row["key"] == "sealed"
    assert row["differs"] == [{"field": "sealed", "ours": "sealed", "dict": "sealed", "how": None}]
    assert opener.closed


def test_differing_fields_are_named_and_masked() -> None:
    other = JOAO._replace(name="JOÃO SILVA", participant="87654321")
    row = explained(
        found(DiscrepancyType.OUTDATED_LOCAL, remote_sealed=sealed(other, UUID(int=7))),
        Past([], []),
        Opener(SEALER),
    )
    told = {it["field"]: (it["ours"], it["dict"], it["how"]) for it in row["differs"]}
    assert told == {
        "name": ("[10 characters]", "[10 characters]", "upper and lower case alone"),
        "participant": ("12345678", "87654321", None),
        "request_id": (
            "[36 characters]",
            "[36 characters]",
            "the entry was made by another request",
        ),
    }


def test_the_event_that_parted_two_versions() -> None:
    def parted(row: Row, *history: Row) -> str:
        return str(explained(row, Past(history, []), Opener(SEALER))["parted"])

    changed, missing = found(DiscrepancyType.OUTDATED_LOCAL), found(DiscrepancyType.MISSING_LOCAL)
    at = "2026-11-30T12:00:00.000000Z"
    assert parted(changed, came(OURS)) == (
        f"DICT changed it at {at}; ours stands since {at}, told by CORE as of "
        "2026-11-30T11:00:00.000000Z"
    )
    assert "which is later and which DICT does not have" in parted(
        changed, came(OURS, dict_time=NOON + HOUR)
    )
    assert parted(missing) == f"DICT took it in at {at}; it never stood here"
    out = came(THEIRS, event="REMOVED", entry_id=uuid4())
    assert parted(missing, out).endswith(f"until {at}, when CORE took it out")
    by_file = found(DiscrepancyType.MISSING_BACEN, dict_at=None)
    assert parted(by_file) == (
        "DICT gave it up between the proof of 2026-11-30T11:00:00.000000Z and the run of "
        "2026-11-30T13:00:00.000000Z: a file does not say when; nothing tells since when ours "
        "stands"
    )
    assert " before the run of " in parted(by_file | {"proven_before": None})


def test_refused_reports_stand_with_their_entry() -> None:
    refused = {
        "entry_id": str(UUID(int=1)),
        "occurred_at": NOON,
        "reason_code": "name-invalid",
        "detail": "too long",
        "command_id": "c",
    }
    past = Past([], [refused, refused | {"entry_id": str(UUID(int=2))}])
    row = explained(found(DiscrepancyType.OUTDATED_LOCAL), past, Opener(SEALER))
    assert [it["reason_code"] for it in row["refused"]] == ["name-invalid"]


def test_a_key_is_looked_for_under_every_key_of_the_keyset() -> None:
    assert Opener(SEALER).key_hashes("CPF", "1") == ("CPF&1", "old CPF&1")
    assert Opener(None).key_hashes("CPF", "1") is None
    assert sealed(JOAO).startswith(CONTEXT.encode())


def test_the_command_that_is_published() -> None:
    asked = AskedRun(None, full=False, since=NOON - HOUR)
    assert asked.subject == "all"
    assert asked.record(NOON)["sync_type"] == "INCREMENTAL"
    one = AskedRun("12345678", full=True, since=None)
    assert (one.subject, one.record(NOON)["participant"]) == ("12345678", "12345678")
    for wrong in (AskedRun(None, False, NOON + HOUR), AskedRun(None, True, NOON - HOUR)):
        with pytest.raises(InputRefused):
            wrong.record(NOON)
    command = UUID("01935b6e-0000-7000-8000-0123456789ab")
    assert workflow_ids(["12345678"], NOON.date(), command) == [
        "vsync-12345678-2026-11-30-01935b6e0000700080000123456789ab"
    ]


class Looks:
    """A reader that answers what it was given, look by look."""

    def __init__(self, commands: list[Row | None], runs: list[list[Row]]) -> None:
        self._commands, self._runs = commands, runs

    async def command(self, _consumer: str, _command_id: UUID) -> Row | None:
        """The next answer."""
        return self._commands.pop(0)

    async def runs(self, _wanted: object, _limit: int) -> list[Row]:
        """The next answer."""
        return self._runs.pop(0)


def awaiting(looks: Any) -> tuple[AwaitRuns, list[str]]:
    """And what it tells."""
    told: list[str] = []

    async def pause() -> None:
        told.append("…")

    return AwaitRuns(looks, pause, told.append), told


async def test_waits_until_all_runs_of_the_command_have_ended() -> None:
    done, open_ = {"run_id": 1, "ended_at": NOON}, {"run_id": 2, "ended_at": None}
    looks = Looks(
        [None, {"outcome": None}, {"outcome": "started:2"}],
        [[], [done, open_], [done, open_ | {"ended_at": NOON}]],
    )
    wait, told = awaiting(looks)
    assert len(await wait(uuid4())) == 2
    assert told[0].startswith("not taken yet")
    assert [it for it in told if "of 2" in it] == [
        "0 of 2 runs have ended",
        "1 of 2 runs have ended",
    ]


async def test_a_refused_command_is_not_waited_for() -> None:
    looks = Looks([{"outcome": "rejected:participant-unknown", "detail": "none of ours"}], [])
    with pytest.raises(InputRefused, match="participant-unknown: none of ours"):
        await awaiting(looks)[0](uuid4())


def test_what_differs_of_a_schedule() -> None:
    daily = wanted(2, 600, "vsync-task-queue")
    assert changes(daily, daily) == {}
    assert changes(daily, wanted(3, 0, "vsync-task-queue")) == {
        "hour": (2, 3),
        "jitter_seconds": (600, 0),
    }


async def test_a_file_that_repeats_a_cid_proves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "cids"
    file.write_text(f"{OURS.hex()}\n" * 2)
    nobody: Any = None
    with pytest.raises(FileInvalid, match="1 CIDs stand in it more than once"):
        await compare_file(nobody, file, nobody, nobody, 1)
