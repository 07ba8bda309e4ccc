"""A dead letter is whole, sealed, and says in the clear only what is no one's."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dict_common.bus.dead_letters import DeadLetters, clear_properties, opened
from dict_common.bus.incoming import Incoming
from dict_common.kernel.errors import Unavailable, Undeliverable
from dict_common.secrecy.development import make_missing
from dict_common.secrecy.errors import CiphertextInvalid
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from tests.support.dropping_broker import DroppingBroker

PHONE = "+5561988880000"
MESSAGE = Incoming(
    topic="persistent://dict/commands/claim.create",
    partition=1,
    message_id="1:2:1:-1",
    key=PHONE,
    properties={"ce_id": "no uuid", "ce_subject": PHONE, "note": PHONE},
    body=b"\x00\x01 body",
    published_at=datetime(2026, 1, 2, tzinfo=UTC),
    redelivery_count=0,
    schema_version=3,
    message=None,
)
ERROR = Undeliverable("undecodable", "it is no Avro")


@pytest.fixture
def sealer(tmp_path: Path) -> TinkRestSealer:
    """A rest sealer."""
    make_missing(tmp_path)
    keysets = KeysetFolder(tmp_path)
    return TinkRestSealer(keysets.private("rest"), keysets.private("prf"))


async def test_round_trip_is_whole_and_sealed(sealer: TinkRestSealer) -> None:
    broker = DroppingBroker()
    letters = DeadLetters(broker.client, "dict", "claim-orchestrator", sealer)
    await letters.bury(MESSAGE, "consumer", ERROR)
    ((body, properties),) = broker.sent
    assert PHONE.encode() not in body
    assert PHONE not in str(properties)
    letter = opened("claim-orchestrator", properties, body, sealer)
    assert (letter.body, letter.key, letter.properties, letter.schema_version) == (
        MESSAGE.body,
        MESSAGE.key,
        MESSAGE.properties,
        MESSAGE.schema_version,
    )
    assert (letter.reason, letter.detail) == ("undecodable", "it is no Avro")
    with pytest.raises(CiphertextInvalid):
        opened("audit-sink", properties, body, sealer)


async def test_letter_that_the_broker_drops_is_not_taken_for_buried(sealer: TinkRestSealer) -> None:
    broker = DroppingBroker(dropping=1)
    letters = DeadLetters(broker.client, "dict", "claim-orchestrator", sealer)
    with pytest.raises(Unavailable):
        await letters.bury(MESSAGE, "consumer", ERROR)
    await letters.bury(MESSAGE, "consumer", ERROR)
    assert (len(broker.sent), broker.closed) == (1, 1)


def test_only_ids_that_are_ids_stand_in_the_clear() -> None:
    clear = clear_properties(MESSAGE, "consumer", ERROR)
    assert "ce_id" not in clear
    assert "ce_subject" not in clear
    assert clear["dict_originid"] == "1:2:1:-1"
