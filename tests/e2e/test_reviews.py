"""Keys that DICT has no more: persons decide by dictctl, and what they decide is carried out."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from devstack.promises import keep_promises
from devstack.stack import Stack
from dict_common.secrecy.development import ISSUER
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.operators import signed_token
from tests.support.vsync_scenes import Bank, Key, bank_of, phone
from tests.support.waiting import until
from tests.support.world import World, make_world


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """With all that takes part."""
    with make_world(stack, Path(tmp_path_factory.mktemp("reviews"))) as made:
        made.start("simulator", "vsync", "vsync-worker", "vsync-relay", "sink")
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def bank(world: World) -> AsyncIterator[Bank]:
    """Our participant."""
    async with bank_of(world) as made:
        yield made


def log_in(world: World, person: str) -> None:
    """From here on this person types."""
    folder = Path(world.environment["DICT_KEYS_DIR"])
    signer = KeysetFolder(folder).private("operator-issuer-private")
    token = signed_token(signer, ISSUER, person, datetime.now(UTC), timedelta(hours=1))
    file = folder / f"{person}.jwt"
    file.write_text(token, encoding="utf-8")
    file.chmod(0o600)
    world.environment["DICT_OPERATOR_TOKEN_FILE"] = str(file)


async def in_review(bank: Bank, *keys: Key) -> list[str]:
    """Held, gone at DICT, found by a run: the ids of their reviews."""
    await bank.hold(*keys)
    for key in keys:
        await bank.remove_at_dict(key)
    await bank.run()
    rows = bank.world.dictctl_json("review", "list")
    found = {row["entry_id"]: row["review_id"] for row in rows}
    return [found[str(key.entry_id)] for key in keys]


async def when(bank: Bank, review_id: str, status: str) -> dict[str, Any]:
    """The review once it has a status."""

    async def look() -> dict[str, Any] | None:
        row: dict[str, Any] = bank.world.dictctl_json("review", "show", review_id)
        return row if row["status"] == status else None

    found = await until(look, f"review {review_id} is {status}")
    assert found is not None
    return found


def decides(world: World, review_id: str, decision: str) -> None:
    """Whoever is logged in."""
    done = world.dictctl("review", "decide", review_id, decision, "--why", "ticket 1")
    assert done.returncode == 0, done.stderr


async def test_two_persons_delete_and_one_cannot_alone(world: World, bank: Bank) -> None:
    (review_id,) = await in_review(bank, phone(71))
    log_in(world, "operator-ana")
    decides(world, review_id, "CONFIRM_DELETION")
    await when(bank, review_id, "AWAITING_SECOND")
    decides(world, review_id, "CONFIRM_DELETION")

    async def refused() -> bool:
        told = await bank.told("command.rejected")
        return any(it["event_payload"]["reason_code"] == "second-person-needed" for it in told)

    await until(refused, "the same person is refused")
    log_in(world, "operator-bea")
    decides(world, review_id, "CONFIRM_DELETION")
    await when(bank, review_id, "RESOLVED")

    async def told() -> list[dict[str, Any]]:
        return await bank.told("review.resolved")

    (resolved,) = await until(told, "review.resolved is in the audit")
    assert resolved["event_payload"]["outcome"] == "DELETED"
    assert resolved["event_payload"]["decided_by"] == ["operator-ana", "operator-bea"]
    closed = world.dictctl("review", "decide", review_id, "KEEP", "--why", "ticket 1")
    assert closed.returncode != 0


async def test_what_is_kept_stands_at_dict_again(world: World, bank: Bank) -> None:
    key = phone(72)
    await bank.hold(key)
    await bank.core.command(
        "entry.report",
        key.renamed(key.name).report("UPDATED")
        | {"account_opening_date": datetime(2020, 1, 1, tzinfo=UTC)},
        key.entry_id,
    )
    await bank.known(key.renamed(key.name))
    await bank.remove_at_dict(key)
    await bank.run()
    rows = world.dictctl_json("review", "list")
    (review_id,) = [row["review_id"] for row in rows if row["entry_id"] == str(key.entry_id)]
    log_in(world, "operator-ana")
    decides(world, review_id, "KEEP")
    await when(bank, review_id, "RESOLVED")
    payload = (await bank.run())["event_payload"]
    assert (payload["result"], payload["discrepancies"]) == ("COMPLETED", 0)
    kept = {it.name: it.broken for it in await keep_promises(world.environment)}
    assert {name: kept[name] for name in ("P6", "P7", "P9", "P10")} == dict.fromkeys(
        ("P6", "P7", "P9", "P10"), ()
    )


async def test_a_key_that_went_elsewhere_opens_the_review_again(world: World, bank: Bank) -> None:
    key = phone(73)
    await bank.hold(key)
    later = key.renamed(key.name)
    await bank.core.command(
        "entry.report",
        later.report("UPDATED") | {"account_opening_date": datetime(2020, 1, 1, tzinfo=UTC)},
        key.entry_id,
    )
    await bank.known(later)
    await bank.remove_at_dict(key)
    await bank.run()
    rows = world.dictctl_json("review", "list")
    (review_id,) = [row["review_id"] for row in rows if row["entry_id"] == str(key.entry_id)]
    await bank.register(phone(73, participant="87654321"))
    log_in(world, "operator-ana")
    decides(world, review_id, "KEEP")

    async def opened_again() -> bool:
        told = await bank.told("review.opened")
        words = {it["event_payload"]["reason_code"] for it in told}
        return "EntryKeyInCustodyOfDifferentParticipant" in words

    await until(opened_again, "DICT refuses, and the review is open again")
    await when(bank, review_id, "PENDING")
