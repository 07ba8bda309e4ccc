"""A claim that is completed brings its key into our base, whoever tells of it first."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import Undeliverable
from dict_common.ports.inbox import Delivery, InboxKey
from tests.support.sync_simulation import ISPB, PHONES, Installation, papers
from vsync.application.entry_papers import EntryPapers
from vsync.application.note_transfer import CLAIMS, NoteTransfer
from vsync.application.writing import Writing
from vsync.domain.entry import EntrySet

CORE_ID = UUID("0197a5f0-8d01-7d3c-8b1f-6a7c8d9e0f1b")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Installation]:
    """An empty base."""
    made = Installation(tmp_path)
    yield made
    made.close()


def record(it: EntryPapers, **changes: object) -> dict[str, Any]:
    """`entry.transferred`, in clear."""
    values = it.attributes
    return {
        "claim_id": str(uuid4()),
        "role": "CLAIMER",
        "key_type": values.key_type,
        "entry_id": None,
        "participant": values.participant,
        "key": values.key,
        "account_type": values.account_type,
        "owner_tax_id": values.tax_id,
        "owner_name": values.name,
        "owner_trade_name": None,
        "branch": values.branch,
        "account_number": values.account_number,
        "request_id": str(it.request_id),
    } | changes


def delivered(home: Installation, source: str = CLAIMS) -> Delivery:
    """Now."""
    now, event_id = home.simulation.now_, uuid4()
    envelope = Envelope(event_id, "entry.transferred", source, now, str(uuid4()), "claim")
    return Delivery(InboxKey("vsync.transfers", event_id, (event_id.bytes,)), envelope, now)


def note(home: Installation, told: dict[str, Any], delivery: Delivery | None = None) -> None:
    """As the consumer does."""
    act = NoteTransfer(
        home.entries, home.secrecy, Writing(home.telling), frozenset({ISPB}), home.simulation
    )
    home._runner.run(act(delivery or delivered(home), told))


def standing_ids(home: Installation) -> list[UUID]:
    """Entries that stand."""
    return [it.entry_id for it in home.entries.entries.values() if it.cid is not None]


def test_the_key_stands_under_cores_id_where_the_claim_knows_it(home: Installation) -> None:
    it = papers(1)
    home.bacen.add(it)
    delivery = delivered(home)
    for _ in range(2):
        note(home, record(it, entry_id=str(CORE_ID)), delivery)
    assert standing_ids(home) == [CORE_ID]
    assert home.equal()
    assert [event["source"] for event in home.told("entry.created")] == ["CLAIM"]


def test_without_an_id_core_takes_the_entry_over(home: Installation) -> None:
    it = papers(1)
    home.bacen.add(it)
    note(home, record(it))
    (made_up,) = standing_ids(home)
    assert made_up != CORE_ID
    assert home.equal()
    home.tell(CORE_ID, 1, it, PHONES)
    assert standing_ids(home) == [CORE_ID]
    assert home.equal()


def test_an_entry_that_core_has_told_of_before_is_the_same(home: Installation) -> None:
    it = papers(1)
    home.bacen.add(it)
    home.tell(CORE_ID, 1, it, PHONES)
    home.later(timedelta(seconds=1))
    note(home, record(it))
    assert standing_ids(home) == [CORE_ID]
    assert home.equal()


def test_a_key_that_changes_hands_within_a_participant_leaves_the_old_entry_to_core(
    home: Installation,
) -> None:
    old = papers(1)
    home.bacen.add(old)
    home.tell(CORE_ID, 1, old, PHONES)
    home.later(timedelta(seconds=1))
    home.bacen.remove(old)
    gone = home.report_of(CORE_ID, 2, None, PHONES)
    home.later(timedelta(seconds=1))
    owner = old.attributes._replace(tax_id="29999999999", name="João Lima")
    new, new_id = replace(old, request_id=uuid4(), attributes=owner), uuid4()
    home.bacen.add(new)
    created = home.report_of(new_id, 1, new, PHONES)
    note(home, record(new))
    home.arrives(gone)
    assert home.equal()
    home.arrives(created)
    assert home.equal()
    assert standing_ids(home) == [new_id]


def test_a_key_that_goes_from_one_participant_of_ours_to_another(home: Installation) -> None:
    other = "87654321"
    old = papers(1)
    home.tell(CORE_ID, 1, old, PHONES)
    home.later(timedelta(seconds=1))
    attributes = old.attributes._replace(participant=other)
    new = replace(old, request_id=uuid4(), attributes=attributes)
    delivery = delivered(home)
    act = NoteTransfer(
        home.entries, home.secrecy, Writing(home.telling), frozenset({ISPB, other}), home.simulation
    )
    home._runner.run(act(delivery, record(new)))
    assert len(standing_ids(home)) == 2
    home.tell(CORE_ID, 2, None, PHONES)
    (there,) = standing_ids(home)
    assert home.entries.entries[there].set == EntrySet(other, "PHONE")


def test_a_transfer_to_another_participant_is_none_of_ours(home: Installation) -> None:
    note(home, record(papers(1), participant="87654321"))
    assert not home.entries.entries
    assert not home.entries.inbox


def test_only_claims_are_believed(home: Installation) -> None:
    with pytest.raises(Undeliverable, match="source-untrusted"):
        note(home, record(papers(1)), delivered(home, "/core/somebody"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"request_id": "x"}, "id-invalid"),
        ({"key": None}, "field-missing"),
        ({"key_type": "UNKNOWN"}, "value-unknown"),
        ({"owner_name": "x" * 200}, "field-too-long"),
        ({"entry_id": "x"}, "id-invalid"),
    ],
)
def test_what_no_claim_would_tell_is_buried(
    home: Installation, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(Undeliverable, match=reason):
        note(home, record(papers(1), **changes))
    assert not home.entries.entries
