"""What goes back is the message as it first came; nobody without our keys can make one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dict_common.bus.dead_letters import DeadLetters, framed, opened
from dict_common.bus.incoming import Incoming
from dict_common.bus.redrive import BuriedAgain, Redrives, _context, original, redrive_topic
from dict_common.kernel.errors import Unavailable, Undeliverable
from dict_common.kernel.letter_ids import LetterId
from dict_common.secrecy.development import make_missing
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from tests.support.dropping_broker import DroppingBroker

PHONE = "+5561988880000"
SERVICE = "claim-orchestrator"
LETTER = LetterId(103, 2, 1, -1)
FIRST = Incoming(
    topic="persistent://dict/commands/claim.create",
    partition=3,
    message_id="1:2:3:-1",
    key=PHONE,
    properties={"ce_id": "0190a8f2-6c1e-7c3a-9b1d-2f4e5a6b7c8d", "note": PHONE},
    body=b"\x00\x01 body",
    published_at=datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
    redelivery_count=0,
    schema_version=3,
    message="the first delivery",
)
ERROR = Undeliverable("schema-unknown", "deploy it, then redrive")


def sealer_in(folder: Path) -> TinkRestSealer:
    """A rest sealer of keys of its own."""
    make_missing(folder)
    keysets = KeysetFolder(folder)
    return TinkRestSealer(keysets.private("rest"), keysets.private("prf"))


@pytest.fixture(scope="module")
def sealer(tmp_path_factory: pytest.TempPathFactory) -> TinkRestSealer:
    """Ours."""
    return sealer_in(Path(tmp_path_factory.mktemp("keys")))


def as_it_came(body: bytes, properties: dict[str, str], topic: str) -> Incoming:
    """A message of ours as the broker delivers it."""
    return Incoming(
        topic=topic,
        partition=1,
        message_id="200:5:1:-1",
        key="",
        properties=properties,
        body=body,
        published_at=datetime(2026, 5, 5, tzinfo=UTC),
        redelivery_count=2,
        schema_version=-1,
        message="the redrive's delivery",
    )


async def buried(message: Incoming, sealer: TinkRestSealer, letters: Any = DeadLetters) -> Any:
    """The dead letter of a message: body and properties."""
    broker = DroppingBroker()
    service = letters(broker.client, "dict", SERVICE, sealer)
    await service.bury(message, "claim-orchestrator.claim-create", ERROR)
    return broker.sent[0]


async def given_back(letter: Any, sealer: TinkRestSealer) -> Incoming:
    """The redrive of a dead letter, as its service receives it."""
    body, properties = letter
    broker = DroppingBroker()
    inside = opened(SERVICE, properties, body, sealer)
    await Redrives(broker.client, "dict", SERVICE, sealer).give_back(LETTER, inside)
    ((sent, clear),) = broker.sent
    assert PHONE.encode() not in sent
    assert PHONE not in str(clear)
    return as_it_came(sent, clear, redrive_topic("dict", SERVICE))


async def test_message_comes_back_as_it_first_came(sealer: TinkRestSealer) -> None:
    back = original(SERVICE, await given_back(await buried(FIRST, sealer), sealer), sealer)
    assert back.message == "the redrive's delivery"
    assert back.redriven is not None
    assert (back.redriven.times, back.redriven.letter) == (1, "103:2:1:-1")
    assert back.redriven.consumer == "claim-orchestrator.claim-create"
    assert back._replace(message=FIRST.message, redriven=None, redelivery_count=0) == FIRST


async def test_order_by_key_is_kept_without_showing_the_key(sealer: TinkRestSealer) -> None:
    keys = []
    for key in (PHONE, PHONE, "other", ""):
        broker = DroppingBroker()
        body, clear = await buried(FIRST._replace(key=key), sealer)
        letter = opened(SERVICE, clear, body, sealer)
        await Redrives(broker.client, "dict", SERVICE, sealer).give_back(LETTER, letter)
        keys.append(broker.keys[0])
    assert keys[0] == keys[1] != keys[2]
    assert len(set(keys)) == 3
    assert all(len(key) == 64 for key in keys)


async def test_second_failure_is_a_new_letter_of_the_first_message(sealer: TinkRestSealer) -> None:
    letter = await buried(FIRST, sealer)
    for times in (1, 2, 3):
        back = await given_back(letter, sealer)
        letter = await buried(back, sealer, BuriedAgain)
        body, clear = letter
        inside = opened(SERVICE, clear, body, sealer)
        assert (clear["dict_redriven"], inside.redriven) == (str(times), times)
        assert (inside.topic, inside.body, inside.key) == (FIRST.topic, FIRST.body, FIRST.key)
        assert clear["dict_consumer"] == "claim-orchestrator.claim-create"
        assert clear["dict_originid"] == FIRST.message_id


async def test_first_letter_says_nothing_of_a_redrive(sealer: TinkRestSealer) -> None:
    _, clear = await buried(FIRST, sealer)
    assert "dict_redriven" not in clear


@pytest.mark.parametrize("forgery", ["junk", "a dead letter", "another service's", "a stranger's"])
async def test_what_our_keys_did_not_write_is_unreadable(
    sealer: TinkRestSealer, tmp_path: Path, forgery: str
) -> None:
    letter, _ = await buried(FIRST, sealer)
    good = await given_back(await buried(FIRST, sealer), sealer)
    strangers = sealer_in(tmp_path)
    bodies = {
        "junk": b"\xff" * 100,
        "a dead letter": letter,
        "another service's": good.body,
        "a stranger's": strangers.seal("dead-letters.claim-orchestrator.redrive", b"\0\0\0\2{}"),
    }
    service = "audit-sink" if forgery == "another service's" else SERVICE
    forged = good._replace(body=bodies[forgery], topic=redrive_topic("dict", service))
    with pytest.raises(Undeliverable, match="redrive-unreadable"):
        original(service, forged, sealer)
    _, clear = await buried(forged, sealer, BuriedAgain)
    if service == SERVICE:
        assert clear["dict_reason"] == "redrive-unreadable"
        assert clear["dict_origintopic"] == forged.topic


async def test_cover_that_was_buried_for_want_of_a_key_is_opened_later(
    sealer: TinkRestSealer, tmp_path: Path
) -> None:
    good = await given_back(await buried(FIRST, sealer), sealer)
    without_key = sealer_in(tmp_path)
    broker = DroppingBroker()
    await BuriedAgain(broker.client, "dict", SERVICE, without_key).bury(good, "x", ERROR)
    (_, clear) = broker.sent[0]
    assert (clear["dict_reason"], clear["dict_origintopic"]) == ("redrive-unreadable", good.topic)
    # The keyset has its key back; the letter was sealed with one that both have.
    cover = await buried(good, sealer)
    back = original(SERVICE, await given_back(cover, sealer), sealer)
    assert (back.topic, back.body, back.key) == (FIRST.topic, FIRST.body, FIRST.key)


async def test_redrive_that_the_broker_drops_is_not_taken_for_sent(sealer: TinkRestSealer) -> None:
    broker = DroppingBroker(dropping=1)
    redrives = Redrives(broker.client, "dict", SERVICE, sealer)
    body, clear = await buried(FIRST, sealer)
    letter = opened(SERVICE, clear, body, sealer)
    with pytest.raises(Unavailable):
        await redrives.give_back(LETTER, letter)
    await redrives.give_back(LETTER, letter)
    assert (len(broker.sent), broker.closed) == (1, 1)


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"\x00\x00\x00\x02[]",
        framed({"topic": "persistent://dict/commands/claim.create"}, b""),
        framed({"topic": "t", "message_id": "x"}, b""),
    ],
)
async def test_redrive_of_another_form_is_no_defect_but_a_letter(
    sealer: TinkRestSealer, plain: bytes
) -> None:
    cover = as_it_came(sealer.seal(_context(SERVICE), plain), {}, redrive_topic("dict", SERVICE))
    with pytest.raises(Undeliverable, match="redrive-unreadable"):
        original(SERVICE, cover, sealer)
    letter = await buried(cover, sealer, BuriedAgain)
    assert letter[1]["dict_reason"] == "redrive-unreadable"
