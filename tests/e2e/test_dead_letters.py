"""Dead letters by `dictctl dlq` alone: listed, given back once what was wrong is mended, discarded.

What was wrong: Core seals to a key that the consumer does not have yet, as when a rotation reached
Core first. What mends it: the consumer is given the keyset.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from devstack.stack import Stack
from dict_common.secrecy.keysets import generated, write_secret
from tests.support.following import row_of, row_when
from tests.support.publishing import core_of, properties, record
from tests.support.waiting import until
from tests.support.world import World, make_world

SERVICE = "claim-orchestrator"
WHY = "OPS-1: the keyset came late"


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with a desk; the consumer is each test's own."""
    with make_world(stack, Path(tmp_path_factory.mktemp("letters"))) as made:
        made.start("simulator", "relay", "sink", "desk", "desk-relay")
        yield made


@contextmanager
def consumer(world: World) -> Iterator[None]:
    """Runs for the block, then is asked to stop."""
    world.start("consumer")
    try:
        yield
    finally:
        assert world.stop("consumer") == 0


@contextmanager
def consumer_behind_a_rotation(world: World) -> Iterator[None]:
    """One that lacks the key that commands are sealed to."""
    keys = world.folder / "keys-behind"
    if not keys.exists():
        shutil.copytree(world.environment["DICT_KEYS_DIR"], keys)
        (keys / "command-private.json").unlink()
        write_secret(keys / "command-private.json", generated("command-private"))
    with consumer(World(world.environment | {"DICT_KEYS_DIR": str(keys)}, world.folder)):
        yield


def letters(world: World, *arguments: str) -> list[dict[str, Any]]:
    """The dead letters of claim-orchestrator as an operator lists them."""
    found: list[dict[str, Any]] = world.dictctl_json(
        "dlq", "list", "--service", SERVICE, "--limit", "10000", *arguments
    )
    return found


async def buried(world: World, many: int) -> list[UUID]:
    """So many claims whose command the consumer could not open."""
    before = len(letters(world))
    claims = [uuid4() for _ in range(many)]

    async def all_lie_there() -> bool:
        return len(letters(world)) == before + many

    with consumer_behind_a_rotation(world):
        async with core_of(world) as core:
            for claim_id in claims:
                await core.send(str(claim_id), core.sealed(record(claim_id)), properties(claim_id))
        await until(all_lie_there, f"{many} letters")
    return claims


async def acts(world: World) -> list[Any]:
    """What the audit has of operators' acts, oldest first."""
    connection = await world.connect("operator_ro")
    try:
        return list(
            await connection.fetch(
                "SELECT event_payload FROM audit.workflow_events "
                "WHERE event_subtype = 'operator.acted' ORDER BY occurred_at"
            )
        )
    finally:
        await connection.close()


async def outcomes(world: World) -> dict[str, str | None]:
    """Message id to what came of the letter, None while it waits."""
    connection = await world.connect("operator_ro")
    try:
        rows = await connection.fetch("SELECT message_id, outcome FROM connect.dead_letter_actions")
        return {row["message_id"]: row["outcome"] for row in rows}
    finally:
        await connection.close()


async def test_letter_is_listed_tried_given_back_and_done_once(world: World) -> None:
    (claim_id,) = await buried(world, 1)
    (letter,) = letters(world)
    assert (letter["reason"], letter["action"]) == ("ciphertext-invalid", None)
    chosen = ("--service", SERVICE, "--reason", "ciphertext-invalid", "--why", WHY)
    tried = world.dictctl_json("dlq", "redrive", *chosen, "--dry-run")
    assert (tried["ids"], tried["published"]) == ([letter["id"]], False)
    assert await outcomes(world) == {}
    done = world.dictctl_json("dlq", "redrive", *chosen)
    assert (done["letters"], len(done["requests"])) == (1, 1)
    with consumer(world):
        await row_when(world, claim_id, "stored")

    async def noted() -> bool:
        return list((await outcomes(world)).values()) == ["redriven"]

    await until(noted, "the letter is noted as redriven")
    (request,) = world.dictctl_json("dlq", "requests", *done["requests"])
    wanted = {"topic": f"dead-letters/{SERVICE}", "letters": 1, "waiting": 0, "gone": 0}
    assert {name: request[name] for name in wanted} == wanted
    assert (request["action"], request["operator"]) == ("redrive", "developer")
    assert letters(world) == []
    (seen,) = letters(world, "--all")
    assert (seen["id"], seen["action"], seen["outcome"]) == (letter["id"], "redrive", "redriven")
    assert (seen["operator"], seen["why"]) == ("developer", WHY)
    again = world.dictctl("dlq", "redrive", *chosen)
    assert (again.returncode, "nothing is left to do" in again.stderr) == (0, True)
    by_id = world.dictctl_json("dlq", "redrive", letter["id"], "--why", WHY)
    assert (by_id["letters"], by_id["skipped"], by_id["requests"]) == (0, 1, [])


async def test_desk_killed_in_the_middle_gives_all_back_and_is_audited_once(world: World) -> None:
    many, before = 200, len(await acts(world))
    claims = await buried(world, many)
    told = world.dictctl_json(
        "dlq", "redrive", "--service", SERVICE, "--why", WHY, "--rate", "40", "--limit", "500"
    )
    assert (told["letters"], told["left"], len(told["requests"])) == (many, 0, 1)
    ids = {id_.partition("/")[2] for id_ in told["ids"]}

    async def gone_back() -> int:
        found = await outcomes(world)
        return sum(found.get(id_) == "redriven" for id_ in ids)

    for share in (0.2, 0.6):

        async def under_way(share: float = share) -> bool:
            return await gone_back() >= share * many

        await until(under_way, f"{share:.0%} went back")
        world.kill("desk")
        assert await gone_back() < many, "nothing was left to be killed in the middle of"
        world.start("desk")

    async def all_back() -> bool:
        return await gone_back() == many

    await until(all_back, "every letter went back")

    async def stored() -> bool:
        connection = await world.connect("operator_ro")
        found = await connection.fetchval(
            "SELECT count(*) FROM workflows.claim_workflows WHERE claim_id = ANY($1::uuid[])",
            claims,
        )
        await connection.close()
        return bool(found == many)

    with consumer(world):
        await until(stored, "every claim is there")

    async def told_of() -> bool:
        return len(await acts(world)) > before

    await until(told_of, "the act is in the audit")
    (act,) = (await acts(world))[before:]
    payload = json.loads(act["event_payload"])
    assert (payload["verb"], payload["target_id"]) == ("DEAD_LETTERS_REDRIVE", SERVICE)
    assert (set(payload["letters"]), payload["skipped"]) == (ids, 0)
    assert (payload["operator"], payload["reason"]) == ("developer", WHY)
    assert letters(world) == []


async def test_discarded_letters_stay_and_are_never_given_back(world: World) -> None:
    claims = await buried(world, 3)
    first = letters(world)[0]
    world.dictctl_json("dlq", "discard", first["id"], "--why", "OPS-2")
    event = letters(world)[1]["ce_id"]
    world.dictctl_json("dlq", "discard", "--service", SERVICE, "--event", event, "--why", "OPS-2")

    async def noted() -> bool:
        return len(letters(world)) == 1

    await until(noted, "two are discarded")
    shown = world.dictctl_json("dlq", "show", first["id"])
    assert (shown["action"], shown["outcome"], shown["why"]) == ("discard", "discarded", "OPS-2")
    assert shown["body_bytes"] > 0
    told = world.dictctl_json("dlq", "redrive", "--service", SERVICE, "--why", WHY)
    assert told["letters"] == 1
    (last,) = [claim for claim in claims if str(claim) not in await discarded(world)]
    with consumer(world):
        await row_when(world, last, "stored")
    for claim in set(claims) - {last}:
        assert await row_of(world, claim) is None


async def discarded(world: World) -> set[str]:
    """The claims whose command was discarded."""
    rows = letters(world, "--all")
    return {row["ce_subject"] for row in rows if row["outcome"] == "discarded"}


async def test_what_fails_again_is_a_letter_that_says_so(world: World) -> None:
    await buried(world, 1)
    (letter,) = letters(world)
    world.dictctl_json("dlq", "redrive", letter["id"], "--why", WHY)

    async def again() -> list[dict[str, Any]]:
        return [row for row in letters(world) if row["id"] != letter["id"]]

    with consumer_behind_a_rotation(world):  # nothing was mended
        (second,) = await until(again, "it is buried anew")
    assert (second["redriven"], second["reason"]) == ("1", "ciphertext-invalid")
    same = ("ce_id", "ce_subject", "consumer", "origin_topic", "origin_id")
    assert [second[name] for name in same] == [letter[name] for name in same]
    world.dictctl_json("dlq", "discard", second["id"], "--why", WHY)

    async def empty() -> bool:
        return letters(world) == []

    await until(empty, "nothing is open")


async def rejections(world: World, request: UUID | str) -> list[Any]:
    """The refusals of a request: which service told them, and why."""
    connection = await world.connect("operator_ro")
    try:
        rows = await connection.fetch(
            "SELECT source, event_payload FROM audit.workflow_events "
            "WHERE event_subtype = 'command.rejected' "
            "AND event_payload ->> 'command_id' = $1::text",
            str(request),
        )
        return [(row["source"], json.loads(row["event_payload"])["reason_code"]) for row in rows]
    finally:
        await connection.close()


async def inbox(world: World, request: UUID | str) -> dict[str, str | None]:
    """Who knows the request, and what came of it there."""
    connection = await world.connect("operator_ro")
    try:
        rows = await connection.fetch(
            "SELECT consumer, outcome FROM connect.inbox WHERE ce_id = $1::uuid", str(request)
        )
        return {row["consumer"]: row["outcome"] for row in rows}
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("verb", "target", "source", "reason"),
    [
        ("UNKNOWN", str(UUID(int=7)), "/dict-connect/claim-orchestrator", "value-unknown"),
        ("UNKNOWN", SERVICE, "/dict-connect/claim-orchestrator", "id-invalid"),
        ("CLAIM_RESUME", str(UUID(int=7)), "/dict-connect/claim-orchestrator", "claim-unknown"),
        ("DEAD_LETTERS_REDRIVE", SERVICE, "/dict-connect/audit-desk", "letter-unknown"),
        ("DEAD_LETTERS_DISCARD", "nobody", "/dict-connect/audit-desk", "service-unknown"),
    ],
)
async def test_request_is_answered_by_one_service(
    world: World, verb: str, target: str, source: str, reason: str
) -> None:
    token = (Path(world.environment["DICT_KEYS_DIR"]) / "operator.jwt").read_text().strip()
    body = {
        "verb": verb,
        "target": target,
        "reason": "OPS-3",
        "cancel_reason": None,
        "dry_run": False,
        "token": token,
        "letters": ["1:2:0:-1"],
        "rate": None,
    }
    async with core_of(world) as core:
        request = await core.command("operator.request", body, target)

        # Requests of one key are taken in their order: once both services have told of the next of
        # theirs, both have taken this one.
        after = [
            await core.command("operator.request", body | {"verb": its_own}, target)
            for its_own in ("UNKNOWN", "DEAD_LETTERS_DISCARD")
        ]
    with consumer(world):
        for sent in (request, *after):
            await until(partial(rejections, world, sent), "it is refused")
    assert await rejections(world, request) == [(source, reason)]
    assert list((await inbox(world, request)).values()) == [f"rejected:{reason}"]
    asked = world.dictctl_json("dlq", "requests", str(request))
    if source.endswith("audit-desk"):
        assert [row["outcome"] for row in asked] == [f"rejected:{reason}"]
        assert asked[0]["detail"]
    else:
        assert asked == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("redrive", "--why", WHY), 2, "name one service"),
        (("redrive", "--service", "nobody", "--why", WHY), 4, "no dead letters are kept"),
        (("redrive", "audit-sink/1:2:0:-1", "--why", WHY), 4, "no dead letter audit-sink/1:2:0:-1"),
        (("redrive", "1:2:0:-1", "--why", WHY), 2, "names no dead letter"),
        (("redrive", "--service", SERVICE, "--why", "call +5561988880000"), 2, "no phone"),
        (("redrive", "--service", SERVICE), 2, "--why"),
        (("redrive", "--service", SERVICE, "--why", WHY, "--event", "x"), 2, "must be a UUID"),
        (("redrive", "--service", SERVICE, "--why", WHY, "--rate", "0"), 2, "--rate"),
        (("discard", "a/1:2:0:-1", "b/1:2:0:-1", "--why", WHY), 2, "name one service"),
        (
            ("discard", "audit-sink/1:2:0:-1", "--reason", "undecodable", "--why", WHY),
            2,
            "not both",
        ),
        (("show", "audit-sink/1:2:0:-1"), 4, "no dead letter"),
        (("show", "nobody/1:2:0:-1"), 4, "no dead letter"),
        (("show", "junk"), 2, "names no dead letter"),
        (("requests", "junk"), 2, "must be a UUID"),
        (("list", "--since", "yesterday"), 2, "--since must be"),
        (("list", "--service", "nobody"), 4, "no dead letters are kept"),
    ],
)
def test_wrong_words_end_with_their_code_and_say_what_to_type(
    world: World, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = world.dictctl("dlq", *arguments)
    assert (done.returncode, words in " ".join(done.stderr.split())) == (code, True), done.stderr


def test_list_says_when_it_shows_less_than_there_is(world: World) -> None:
    done = world.dictctl("dlq", "list", "--all", "--limit", "2", "-o", "json")
    assert len(json.loads(done.stdout)) == 2
    assert "letters fit, the newest 2 are shown" in done.stderr
