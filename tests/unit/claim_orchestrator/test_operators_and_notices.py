"""Operators' tokens, the webhook's signature, and waiting for decisions that were sent in time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from claim_orchestrator.adapters.webhook_notifier import WebhookNotifier, signature
from claim_orchestrator.application.await_decisions import AwaitDecisions, Passed
from claim_orchestrator.application.claim_records import Barrier
from dict_common.kernel.errors import ConfigurationInvalid, InputRefused, Unavailable
from dict_common.kernel.ids import new_id, time_of
from dict_common.secrecy.development import ISSUER, make_missing
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.operators import JwtOperatorTokens, signed_token
from dict_common.testing.clock import FixedClock
from tests.support.claim_simulation import Broker

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def keysets(tmp_path_factory: pytest.TempPathFactory) -> KeysetFolder:
    """A developer's folder."""
    folder = Path(tmp_path_factory.mktemp("keys")) / "keys"
    make_missing(folder)
    return KeysetFolder(folder)


def test_token_is_judged_as_of_the_instant_of_its_command(keysets: KeysetFolder) -> None:
    tokens = JwtOperatorTokens(keysets.public("operator-issuer-public"), ISSUER)
    signer = keysets.private("operator-issuer-private")
    token = signed_token(signer, ISSUER, "op-17", NOW, HOUR)
    assert tokens.subject_of(token, NOW + HOUR / 2) == "op-17"
    assert tokens.subject_of(token, NOW + HOUR + timedelta(seconds=59)) == "op-17"
    with pytest.raises(InputRefused, match="token-invalid"):
        tokens.subject_of(token, NOW + HOUR + timedelta(minutes=2))


@pytest.mark.parametrize("subject", ["", "x" * 101])
def test_token_without_a_usable_subject_is_refused(keysets: KeysetFolder, subject: str) -> None:
    tokens = JwtOperatorTokens(keysets.public("operator-issuer-public"), ISSUER)
    token = signed_token(keysets.private("operator-issuer-private"), ISSUER, subject, NOW, HOUR)
    with pytest.raises(InputRefused, match="token-invalid"):
        tokens.subject_of(token, NOW)


def test_token_of_another_issuer_or_key_is_refused(keysets: KeysetFolder, tmp_path: Path) -> None:
    tokens = JwtOperatorTokens(keysets.public("operator-issuer-public"), ISSUER)
    make_missing(tmp_path / "others")
    other = KeysetFolder(tmp_path / "others").private("operator-issuer-private")
    own = keysets.private("operator-issuer-private")
    for token in (
        signed_token(other, ISSUER, "op-17", NOW, HOUR),
        signed_token(own, "somebody", "op-17", NOW, HOUR),
        "a.b.c",
        "",
    ):
        with pytest.raises(InputRefused, match="token-invalid"):
            tokens.subject_of(token, NOW)


def test_missing_secret_names_its_file(keysets: KeysetFolder) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"nothing\.secret"):
        keysets.text("nothing.secret")


def test_signature_is_that_of_standard_webhooks() -> None:
    # printf 'msg_1.1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret -binary | base64
    signed = signature(b"secret", "msg_1", "1700000000", '{"a":1}')
    assert signed == "v1,Q5nZ7DiOGwijBBqvBVAK6c0zDr2JLkXI7TaV4f+Q2vY="


async def test_webhook_tells_or_says_that_it_did_not() -> None:
    answers = [500, 204]
    transport = httpx.MockTransport(lambda _: httpx.Response(answers.pop(0)))
    async with httpx.AsyncClient(transport=transport) as client:
        notifier = WebhookNotifier(client, "http://users.example", b"secret", FixedClock())
        with pytest.raises(Unavailable, match="notice-not-delivered"):
            await notifier.notify(uuid4(), {"type": "claim.ended"})
        assert await notifier.notify(uuid4(), {"type": "claim.ended"})
        nobody = WebhookNotifier(client, "", b"", FixedClock())
        assert not await nobody.notify(uuid4(), {})


async def test_look_from_before_the_deadline_is_no_look() -> None:
    clock, broker = FixedClock(), Broker()
    decisions = AwaitDecisions(broker, clock)
    deadline = clock.now() + timedelta(milliseconds=500)
    earlier = Barrier(clock.now(), clock.now() + HOUR)
    assert await decisions(earlier) is Passed.DRAINED
    broker.waiting.append(clock.now() + timedelta(milliseconds=400))  # published meanwhile
    clock.move(timedelta(milliseconds=600))
    assert await decisions(Barrier(deadline, deadline + HOUR)) is Passed.WAIT


async def test_outage_that_nobody_looked_at_gives_the_consumer_its_minute() -> None:
    clock, broker = FixedClock(), Broker()
    decisions = AwaitDecisions(broker, clock)
    assert await decisions(Barrier(clock.now(), clock.now() + HOUR)) is Passed.DRAINED
    deadline = clock.now() + timedelta(days=1)
    broker.waiting.append(deadline - timedelta(minutes=5))  # in time, and stuck behind the outage
    clock.move(timedelta(days=1) + HOUR)
    for _ in range(3):  # from the first look on, which finds everything back
        assert await decisions(Barrier(deadline, clock.now() + HOUR)) is Passed.WAIT
        clock.move(timedelta(seconds=20))
    assert await decisions(Barrier(deadline, clock.now() + HOUR)) is Passed.BEHIND


async def test_one_look_serves_all_claims_of_a_second() -> None:
    class Counting(Broker):
        looks = 0

        async def oldest_unacknowledged(self) -> datetime | None:
            Counting.looks += 1
            return None

    clock = FixedClock()
    decisions = AwaitDecisions(Counting(), clock)
    barrier = Barrier(clock.now(), clock.now() + HOUR)
    for _ in range(50):
        assert await decisions(barrier) is Passed.DRAINED
    assert Counting.looks == 1


def test_id_of_version_seven_tells_its_time() -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    made = time_of(new_id())
    assert made is not None
    assert before < made < datetime.now(UTC) + timedelta(seconds=1)
    assert time_of(uuid4()) is None
