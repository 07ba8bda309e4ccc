"""From a record to a claim: every broken rule has its name, and nothing personal in its words."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from claim_orchestrator.application.claim_console import record_of, template
from claim_orchestrator.application.create_claim import create_claim
from claim_orchestrator.application.open_claim import OpenClaim, Secrecy
from claim_orchestrator.application.refuse_command import RefuseCommand
from claim_orchestrator.entrypoints import commands
from dict_common.bus.avro import AvroCodec
from dict_common.kernel.envelope import Envelope, from_properties
from dict_common.kernel.errors import InputRefused, Unavailable
from dict_common.kernel.fields import id_or_nothing
from dict_common.kernel.ids import new_id
from dict_common.ports.inbox import Seen
from dict_common.secrecy.development import make_missing
from dict_common.secrecy.events import SealingComposer
from dict_common.secrecy.hybrid import HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.secrecy.subjects import StoredSubjectSealer
from dict_common.testing.clock import FixedClock
from dict_common.testing.subject_keys import InMemorySubjectKeyStore
from tests.support.claim_fakes import InMemoryClaims, RecordingProcess
from tests.support.claim_inputs import POLICY
from tests.support.claim_ports_suite import command_key
from tests.support.core import PERSONAL
from tests.support.publishing import properties, record

COMMAND = UUID("0198f3a0-0000-7000-8000-000000000001")
OWN = frozenset({"12345678"})
CLAIM = UUID("0e5c6f0e-64fe-4adb-869f-08021ffdd852")

REFUSED: list[tuple[dict[str, object], str]] = [
    ({"claim_id": "x"}, "id-invalid"),
    ({"claim_id": ""}, "field-missing"),
    ({"participant": "1234"}, "participant-invalid"),
    ({"participant": "87654321"}, "participant-unknown"),
    ({"type": "UNKNOWN"}, "value-unknown"),
    ({"type": "OWNERSHIP", "key_type": "EMAIL"}, "key-type-not-claimable"),
    ({"key_type": "UNKNOWN"}, "value-unknown"),
    ({"key_type": "EVP"}, "key-type-not-claimable"),
    ({"key": ""}, "field-missing"),
    ({"key": "5561988880000"}, "key-invalid"),
    ({"account_branch": "00001"}, "branch-invalid"),
    ({"account_branch": "ab"}, "branch-invalid"),
    ({"account_number": ""}, "field-missing"),
    ({"account_number": "1" * 21}, "field-too-long"),
    ({"account_type": "UNKNOWN"}, "value-unknown"),
    ({"account_opening_date": None}, "field-missing"),
    ({"claimer_type": "UNKNOWN"}, "value-unknown"),
    ({"claimer_tax_id": "111222333"}, "tax-id-invalid"),
    ({"claimer_tax_id": "abcdefghijk"}, "tax-id-invalid"),
    ({"claimer_name": "x" * 151}, "field-too-long"),
    ({"claimer_trade_name": "x" * 101}, "field-too-long"),
    ({"owner_ispb": "1"}, "participant-invalid"),
    ({"entry_id": "1"}, "id-invalid"),
    ({"requested_at": None}, "field-missing"),
]


@pytest.mark.parametrize(("changes", "reason"), REFUSED)
def test_broken_rule_has_its_name(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(InputRefused) as refused:
        create_claim(record(CLAIM) | changes, OWN)
    assert refused.value.reason_code == reason
    assert not [value for value in PERSONAL if value in refused.value.detail]


@pytest.mark.parametrize(
    "changes",
    [{}, {"account_branch": None}, {"claimer_tax_id": "12ABC34501DE35"}, {"account_type": "OTHR"}],
)
def test_good_command(changes: dict[str, object]) -> None:
    command = create_claim(record(CLAIM) | changes, OWN)
    assert command.claim_id == CLAIM
    assert not [value for value in PERSONAL if value in repr(command)]


class Desk:
    """The consumer's use cases over fakes, with real keysets."""

    def __init__(self, folder: Path) -> None:
        make_missing(folder)
        keysets = KeysetFolder(folder)
        rest = TinkRestSealer(keysets.private("rest"), keysets.private("prf"))
        subjects = StoredSubjectSealer(
            InMemorySubjectKeyStore(), keysets.private("kek"), rest, new_id
        )
        composer = SealingComposer(
            AvroCodec(), subjects, HybridSealer(keysets.public("core-public"))
        )
        self.claims, self.process, clock = InMemoryClaims(), RecordingProcess(), FixedClock()
        self.open_claim = OpenClaim(
            self.claims, self.process, Secrecy(subjects, rest), POLICY, clock
        )
        self.refuse = RefuseCommand(self.claims, composer, clock)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A fresh one."""
    return Desk(tmp_path)


def envelope(claim_id: UUID = CLAIM) -> Envelope:
    """A good command's envelope."""
    return from_properties(properties(claim_id))


async def test_command_is_stored_started_and_settled(desk: Desk) -> None:
    key = command_key()
    await desk.open_claim(key, envelope(), record(CLAIM))
    assert [process.claim_id for process in desk.process.started] == [CLAIM]
    assert await desk.claims.seen(key) is Seen.SETTLED
    row = desk.claims.claims[CLAIM, "CLAIMER"]
    sealed = row.key_encrypted + row.papers_encrypted
    assert not [it for it in PERSONAL if it.encode() in sealed or it in row.key_hash]


async def test_repeat_of_a_settled_command_does_nothing(desk: Desk) -> None:
    key = command_key()
    for _ in range(3):
        await desk.open_claim(key, envelope(), record(CLAIM))
    assert len(desk.process.started) == 1


async def test_hand_over_is_repeated_until_it_succeeds(desk: Desk) -> None:
    key, desk.process.away = command_key(), 2
    for _ in range(2):
        with pytest.raises(Unavailable):
            await desk.open_claim(key, envelope(), record(CLAIM))
    assert await desk.claims.seen(key) is Seen.OPEN
    await desk.open_claim(key, envelope(), record(CLAIM))
    assert len(desk.process.started) == 1
    assert await desk.claims.seen(key) is Seen.SETTLED


async def test_other_content_under_the_same_id_is_refused(desk: Desk) -> None:
    key = command_key()
    await desk.open_claim(key, envelope(), record(CLAIM))
    other = command_key(key.command_id, b"\x00other")
    with pytest.raises(InputRefused, match="command-id-reused"):
        await desk.open_claim(other, envelope(), record(CLAIM))


async def test_second_command_about_a_known_claim_is_refused(desk: Desk) -> None:
    await desk.open_claim(command_key(), envelope(), record(CLAIM))
    with pytest.raises(InputRefused, match="claim-already-known"):
        await desk.open_claim(command_key(), envelope(), record(CLAIM))


async def test_subject_that_is_not_the_claim_is_refused(desk: Desk) -> None:
    with pytest.raises(InputRefused, match="subject-differs"):
        await desk.open_claim(command_key(), envelope(uuid4()), record(CLAIM))


async def test_rejection_is_the_same_however_often_it_is_told(desk: Desk) -> None:
    key, error = command_key(), InputRefused("key-invalid", "no")
    for _ in range(3):
        await desk.refuse(key, envelope(), ("claim", str(CLAIM)), error)
    topics = [event.topic for _, event in desk.claims.events]
    assert topics == ["events/command.rejected", "core/command.rejected"]
    assert {event.envelope.id for _, event in desk.claims.events} == {
        desk.claims.events[0][1].envelope.id
    }
    decoded = AvroCodec().decode("command.rejected", 1, desk.claims.events[0][1].payload)
    assert (decoded["reason_code"], decoded["aggregate_id"]) == ("key-invalid", str(CLAIM))


async def test_accepted_command_is_not_refused_when_settings_change(desk: Desk) -> None:
    key, desk.process.away = command_key(), 1
    with pytest.raises(Unavailable):
        await desk.open_claim(key, envelope(), record(CLAIM))
    with pytest.raises(Unavailable, match="accepted-command-refused"):
        await desk.open_claim(key, envelope(), record(CLAIM) | {"participant": "87654321"})


async def test_claim_id_in_capitals_is_the_same_claim(desk: Desk) -> None:
    await desk.open_claim(
        command_key(), envelope(), record(CLAIM) | {"claim_id": str(CLAIM).upper()}
    )
    assert [process.claim_id for process in desk.process.started] == [CLAIM]


def test_rejection_names_a_claim_only_by_a_uuid() -> None:
    assert id_or_nothing({"claim_id": str(CLAIM).upper()}, "claim_id") == str(CLAIM)
    assert id_or_nothing({"claim_id": "11122233300"}, "claim_id") == ""
    assert id_or_nothing({}, "claim_id") == ""


def test_template_makes_a_good_command() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = record_of(dict(template()), CLAIM, now)
    assert create_claim(made, OWN).requested_at == now


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kye": "x"}, "field-unknown"),
        ({"key": ""}, "field-missing"),
        ({"account_opening_date": "2020-01-01"}, "field-invalid"),
    ],
)
def test_draft_with_a_mistake_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputRefused) as refused:
        record_of({**template(), **changes}, CLAIM, datetime(2026, 1, 1, tzinfo=UTC))
    assert refused.value.reason_code == reason


def test_same_command_typed_again_is_the_same_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever repeats after a time-out is not told that his command was another."""
    sent: list[tuple[object, ...]] = []

    async def publish(*given: object) -> None:
        sent.append(given)

    monkeypatch.setattr(commands, "publish", publish)
    file = tmp_path / "claim.json"
    file.write_text(json.dumps(template()))
    for _ in range(2):
        commands.create(str(file), str(CLAIM), str(COMMAND))
    assert sent[0] == sent[1]
