"""The audit as operators see it: a claim found, followed and exported, and the pages' commands."""

import asyncio
import json
import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from devstack.stack import Stack
from tests.support.core import PERSONAL, create_claim, other_side
from tests.support.waiting import until
from tests.support.world import World, make_world

PAGES = Path(__file__).resolve().parents[2] / "docs" / "howto"
CREATED = "claim.created"


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which everything of ours runs."""
    with make_world(stack, Path(tmp_path_factory.mktemp("audit"))) as made:
        made.start("simulator", "consumer", "worker", "relay", "sink")
        with other_side(made) as donor:
            donor.seed()
        yield made


@pytest.fixture(scope="module")
def claim_id() -> UUID:
    """The claim that the tests of this module are about."""
    return uuid4()


async def test_claim_is_followed_while_it_is_opened_and_found_afterwards(
    world: World, claim_id: UUID, tmp_path: Path
) -> None:
    words = ("tail", "-f", "-n", "0", "--claim", str(claim_id), "-o", "json")
    tail = await world.start_dictctl("audit", *words)
    assert tail.stdout is not None
    assert tail.stderr is not None
    await tail.stderr.readline()
    create_claim(world, claim_id, uuid4())

    async def created() -> dict[str, Any] | None:
        assert tail.stdout is not None
        row: dict[str, Any] = json.loads(await tail.stdout.readline())
        return row if row["event_subtype"] == CREATED else None

    row = await until(created, "the claim's first event is shown")
    assert row is not None
    tail.send_signal(signal.SIGINT)
    assert await tail.wait() == 0
    for option, value in (
        ("--claim", str(claim_id)),
        ("--event", row["event_id"]),
        ("--correlation", row["correlation_id"]),
        ("--workflow", row["workflow_id"]),
        ("--aggregate", f"{row['aggregate_type']}/{row['aggregate_id']}"),
        ("--participant", row["participant_ispb"]),
        ("--type", CREATED),
    ):
        found = world.dictctl_json("audit", "search", option, value)
        assert row["event_id"] in {it["event_id"] for it in found}, option
    out = tmp_path / "claim.jsonl"
    asked = ("--claim", str(claim_id), "--format", "jsonl", "--out", str(out))
    assert world.dictctl_json("audit", "export", *asked)["rows"] >= 1
    text = await asyncio.to_thread(out.read_text)
    assert row["event_id"] in text
    assert not [it for it in PERSONAL if it in text]
    months = world.dictctl_json("audit", "partitions", "list")
    assert months["default_rows"] == {}
    assert len(months["partitions"]) >= 4


def commands_of(page: str) -> list[list[str]]:
    """Each line of the page that begins with dictctl, without what stands behind a pipe."""
    text = (PAGES / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("dictctl")]
    return [shlex.split(line.partition("|")[0], comments=True)[1:] for line in lines]


PAGE_COMMANDS = [
    (page, words)
    for page in ("audit-partitions.md", "search-the-audit.md", "reconcile.md")
    for words in commands_of(page)
]


def test_pages_show_commands() -> None:
    assert len(PAGE_COMMANDS) >= 20


@pytest.mark.parametrize(
    ("page", "words"), PAGE_COMMANDS, ids=lambda it: it if isinstance(it, str) else " ".join(it)
)
async def test_command_of_the_page_runs(
    world: World, claim_id: UUID, tmp_path: Path, page: str, words: list[str]
) -> None:
    given = {"CLAIM_ID": str(claim_id), "EVENT_ID": str(uuid4()), "ID": "x", "WORKFLOW_ID": "x"}
    typed = [given.get(word, word).replace("command/ID", "command/x") for word in words]
    typed = [str(tmp_path / it) if it.endswith((".jsonl", ".parquet")) else it for it in typed]
    done = await asyncio.to_thread(world.dictctl, *[it for it in typed if it != "-f"])
    assert done.returncode in (0, 4), done.stderr
