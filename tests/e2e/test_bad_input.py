"""Every bad command ends where a person finds it, with a reason, and its neighbours go on."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pulsar
import pytest
import pytest_asyncio

from devstack.stack import Stack
from dict_common.bus.avro import AvroCodec
from dict_common.kernel.envelope import BODY_BYTES_MAX
from dict_common.secrecy.hybrid import HybridSealer
from dict_common.secrecy.keysets import KeysetFolder, generated, public_part
from dict_schemas import avro
from tests.support.core import PERSONAL, create_claim
from tests.support.following import dead_letter_of, event_of, row_when
from tests.support.publishing import CREATE, Core, core_of, properties, record
from tests.support.waiting import until
from tests.support.world import World, make_world


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which everything of ours runs."""
    with make_world(stack, Path(tmp_path_factory.mktemp("bad"))) as made:
        made.start("simulator", "consumer", "worker", "relay", "sink")
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def core(world: World) -> AsyncIterator[Core]:
    """Core, with a pen for forgeries."""
    async with core_of(world) as made:
        yield made


async def rejection(world: World, claim_id: UUID) -> dict[str, Any]:
    """The command.rejected about a claim, as an operator finds it."""
    return await event_of(world, claim_id, "command.rejected")


REJECTED: dict[str, tuple[dict[str, object], str]] = {
    "key that fails Bacen's pattern": ({"key": "5561988880000"}, "key-invalid"),
    "EVP claimed": (
        {"key_type": "EVP", "key": "123e4567-e89b-12d3-a456-426655440000"},
        "key-type-not-claimable",
    ),
    "type and key type that do not go together": (
        {"type": "OWNERSHIP", "key_type": "EMAIL", "key": "joao@example.com"},
        "key-type-not-claimable",
    ),
    "unknown participant": ({"participant": "99999999"}, "participant-unknown"),
    "account number empty": ({"account_number": ""}, "field-missing"),
    "unknown enum": ({"account_type": "UNKNOWN"}, "value-unknown"),
}


@pytest.mark.parametrize("case", REJECTED)
async def test_broken_rule_is_rejected_with_its_name(world: World, core: Core, case: str) -> None:
    changes, reason = REJECTED[case]
    claim_id = uuid4()
    body = core.sealed(record(claim_id, **changes))
    await core.send(str(claim_id), body, properties(claim_id))
    payload = await rejection(world, claim_id)
    assert payload["reason_code"] == reason
    assert payload["detail"]
    assert not [value for value in PERSONAL if value in json.dumps(payload)]


async def test_same_command_id_with_other_content_is_rejected(world: World, core: Core) -> None:
    first, second, command_id = uuid4(), uuid4(), uuid4()
    for claim_id in (first, second):
        body = core.sealed(record(claim_id))
        await core.send(str(claim_id), body, properties(claim_id, command_id))
    payload = await rejection(world, second)
    assert payload["reason_code"] == "command-id-reused"


async def test_second_create_for_a_known_claim_is_rejected(world: World, core: Core) -> None:
    claim_id = uuid4()
    for _ in range(2):
        await core.send(str(claim_id), core.sealed(record(claim_id)), properties(claim_id))
    payload = await rejection(world, claim_id)
    assert payload["reason_code"] == "claim-already-known"


async def test_junk_under_the_right_schema_is_buried(world: World, core: Core) -> None:
    claim_id = uuid4()
    await core.send(str(claim_id), b"\xff\xfe junk", properties(claim_id))
    letter = await dead_letter_of(world, claim_id)
    assert letter["reason"] == "undecodable"
    shown = world.dictctl_json("dlq", "show", letter["id"])
    assert shown["body_bytes"] == len(b"\xff\xfe junk")


async def test_message_without_id_is_buried(world: World, core: Core) -> None:
    claim_id = uuid4()
    without = {name: it for name, it in properties(claim_id).items() if name != "ce_id"}
    await core.send(str(claim_id), core.sealed(record(claim_id)), without)
    letter = await dead_letter_of(world, claim_id)
    assert letter["reason"] == "envelope-invalid"
    assert "ce_id" in letter["detail"]


async def test_body_over_64_kib_is_buried(world: World, core: Core) -> None:
    claim_id = uuid4()
    await core.send(str(claim_id), b"\x00" * (BODY_BYTES_MAX + 1), properties(claim_id))
    letter = await dead_letter_of(world, claim_id)
    assert letter["reason"] == "too-large"


async def test_ciphertext_for_another_field_is_buried(world: World, core: Core) -> None:
    claim_id = uuid4()
    definition = avro.definition(CREATE)
    clear = record(claim_id)
    sealed = core.sealer.seal_fields(
        avro.record_name(definition), clear, avro.pii_fields(definition)
    )
    swapped = sealed | {"key": sealed["claimer_tax_id"]}
    await core.send(str(claim_id), AvroCodec().encode(CREATE, swapped), properties(claim_id))
    letter = await dead_letter_of(world, claim_id)
    assert letter["reason"] == "ciphertext-invalid"
    assert "dict.claim.CreateClaim.key" in letter["detail"]


async def test_ciphertext_for_another_key_is_buried(
    world: World, core: Core, tmp_path: Path
) -> None:
    claim_id = uuid4()
    (tmp_path / "stranger.json").write_text(public_part(generated("command-private")))
    stranger = HybridSealer(KeysetFolder(tmp_path).public("stranger"))
    forged = Core(core.client, core.tenant, stranger)
    await core.send(str(claim_id), forged.sealed(record(claim_id)), properties(claim_id))
    letter = await dead_letter_of(world, claim_id)
    assert letter["reason"] == "ciphertext-invalid"


def register(world: World, definition: dict[str, object]) -> None:
    """Gives the broker another version of the topic's schema."""
    topic = f"{world.environment['DICT_PULSAR_TENANT']}/commands/{CREATE}"
    url = f"{world.environment['DICT_PULSAR_ADMIN_URL']}/admin/v2/schemas/{topic}/schema"
    body = {"type": "AVRO", "schema": json.dumps(definition), "properties": {}}
    httpx.post(url, json=body, timeout=30).raise_for_status()


class Foreign(pulsar.schema.Schema):  # type: ignore[misc]
    """A schema that the broker has and this release does not know."""

    def __init__(self, definition: dict[str, object]) -> None:
        super().__init__(bytes, pulsar._pulsar.SchemaType.AVRO, definition, "AVRO")

    def encode(self, obj: bytes) -> bytes:
        """The body as it is."""
        return obj


async def test_registered_schema_that_is_unknown_to_us_is_buried(world: World, core: Core) -> None:
    definition = avro.definition(CREATE)
    added = {"name": "added_later", "type": ["null", "string"], "default": None, "doc": "newer"}
    newer = definition | {"fields": [*avro.fields(definition), added]}
    register(world, newer)
    claim_id = uuid4()
    await core.send(
        str(claim_id), core.sealed(record(claim_id)) + b"\x00", properties(claim_id), Foreign(newer)
    )
    letter = await dead_letter_of(world, claim_id)
    assert letter["reason"] == "schema-unknown"
    assert not [value for value in PERSONAL if value in json.dumps(letter)]


async def test_properties_that_are_no_text_bury_one_message(world: World, core: Core) -> None:
    claim_id = uuid4()
    unreadable: Any = properties(claim_id) | {"x-note": b"\xff\xfe"}
    before = len(world.dictctl_json("dlq", "list", "--limit", "10000"))
    await core.send(str(claim_id), core.sealed(record(claim_id)), unreadable)

    async def look() -> Any:
        rows = world.dictctl_json("dlq", "list", "--limit", "10000")
        return rows[before:]

    (letter,) = await until(look, "the dead letter")
    assert letter["reason"] == "envelope-invalid"


async def test_one_command_id_is_one_command_though_two_come_at_once(
    world: World, core: Core
) -> None:
    for _ in range(5):
        command_id, claims = uuid4(), [uuid4() for _ in range(2)]
        await asyncio.gather(
            *(
                core.send(str(it), core.sealed(record(it)), properties(it, command_id))
                for it in claims
            )
        )

        async def outcomes(command_id: UUID = command_id) -> list[str]:
            connection = await world.connect("operator_ro")
            rows = await connection.fetch(
                "SELECT outcome FROM connect.inbox WHERE ce_id = $1 AND outcome IS NOT NULL",
                command_id,
            )
            await connection.close()
            return sorted(row["outcome"] for row in rows) if len(rows) == 2 else []

        found = await until(outcomes, "both have their outcome")
        assert found == ["rejected:command-id-reused", "started"]


async def test_list_goes_on_after_the_last_claim_of_a_page(world: World) -> None:
    for _ in range(3):
        await row_when(world, create_claim(world), "stored")
    wanted = [row["claim_id"] for row in world.dictctl_json("claim", "list", "--limit", "1000")]
    seen: list[str] = []
    while page := world.dictctl_json(
        "claim", "list", "--limit", "2", *(("--after", seen[-1]) if seen else ())
    ):
        seen += [row["claim_id"] for row in page]
    assert seen == wanted
    lost = world.dictctl("claim", "list", "--after", str(uuid4()))
    assert (lost.returncode, "no claim" in lost.stderr) == (4, True)


async def test_neighbours_of_bad_commands_are_unharmed(world: World, core: Core) -> None:
    claim_id = create_claim(world)

    async def failed() -> Any:
        # The simulator has no such key: DICT's own refusal is an outcome, and it is told.
        done = world.dictctl("audit", "search", "--claim", str(claim_id))
        return "claim.failed" in done.stdout

    await until(failed, "the claim's outcome is in the audit")
    rows = world.dictctl_json("claim", "list", "--status", "FAILED")
    assert str(claim_id) in [row["claim_id"] for row in rows]


def test_topic_that_the_broker_does_not_have_says_what_to_do(world: World) -> None:
    there = World(world.environment | {"DICT_PULSAR_TENANT": "nobody"}, world.folder)
    draft = json.dumps(dict(there.dictctl_json("claim", "create", "--template")))
    done = there.dictctl("claim", "create", "-f", "-", given=draft)
    assert done.returncode == 5
    assert "next: dictctl topics diff" in done.stderr


def test_schema_that_the_broker_refuses_says_what_to_do(world: World) -> None:
    tenant = world.environment["DICT_PULSAR_TENANT"]
    admin = f"{world.environment['DICT_PULSAR_ADMIN_URL']}/admin/v2"
    other = {"type": "record", "name": "Other", "fields": [{"name": "only", "type": "long"}]}
    body = {"type": "AVRO", "schema": json.dumps(other), "properties": {}}
    for method, path, content in (
        ("DELETE", f"schemas/{tenant}/commands/claim.decide/schema?force=true", None),
        ("POST", f"schemas/{tenant}/commands/claim.decide/schema", body),
    ):
        answer = httpx.request(method, f"{admin}/{path}", json=content, timeout=30)
        assert answer.is_success, answer.text
    done = world.dictctl("topics", "apply")
    assert done.returncode in (1, 5)
    assert "claim.decide" in done.stderr
    assert "next: dictctl topics diff" in done.stderr
