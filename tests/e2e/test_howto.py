"""The how-to's program, word for word as it stands on the page, against a real world."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from devstack.stack import Stack
from tests.support.core import other_side
from tests.support.waiting import until
from tests.support.world import World, make_world

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "howto" / "publish-a-command.md"


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which everything of ours runs."""
    with make_world(stack, Path(tmp_path_factory.mktemp("howto"))) as made:
        made.start("simulator", "consumer", "worker", "relay", "sink")
        yield made


CLOSING = "client.close()\n"


def program_of_page() -> str:
    """The first block, and the second where the page says that it goes: before the end."""
    page = PAGE.read_text(encoding="utf-8")
    opening, deciding = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    before, closing, after = opening.partition(CLOSING)
    assert closing == CLOSING
    return f"{before}{deciding}{closing}{after}"


def run_program_of_page(world: World) -> UUID:
    """Runs the page's program from the repository's root; it prints the claim's id."""
    done = subprocess.run(
        [sys.executable, "-"],
        input=program_of_page(),
        env=world.environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return UUID(done.stdout.strip())


async def test_program_of_the_page_opens_a_claim_and_withdraws_it(world: World) -> None:
    with other_side(world) as donor:
        donor.seed()
    claim_id = run_program_of_page(world)

    async def told() -> bool:
        timeline = world.dictctl("claim", "timeline", str(claim_id)).stdout
        return all(
            name in timeline for name in ("claim.created", "claim.decided", "claim.cancelled")
        )

    await until(told, "the claim's life is in the audit")
