"""Dead letters found by their ids on a real broker, however large, wherever they lie."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from devstack.stack import Stack
from dict_common.bus.dead_letters import opened
from dict_common.bus.incoming import Incoming
from dict_common.bus.letters import Letters
from dict_common.kernel.errors import Unavailable
from dict_common.kernel.letter_ids import LetterId
from tests.support.dead_letters import Graveyard, graveyard_of
from tests.support.world import World, make_world

MEBIBYTE = 1024 * 1024
LARGE = 12 * MEBIBYTE
"""Of three chunks: the broker's largest message has five."""
SERVICE = "claim-orchestrator"


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with no process of ours in it."""
    with make_world(stack, Path(tmp_path_factory.mktemp("finding"))) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def graveyard(world: World) -> AsyncIterator[Graveyard]:
    """Where letters are buried."""
    async with graveyard_of(world) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def there(graveyard: Graveyard) -> list[Incoming]:
    """Letters of both sizes; the last of each partition has several chunks."""
    small = [f"small {number}".encode() for number in range(40)]
    large = [bytes([number]) * LARGE for number in range(3)]
    await graveyard.bury(SERVICE, *small[:20], large[0], *small[20:], *large[1:])
    async with graveyard.letters(SERVICE) as letters:
        return [message async for message in letters.walk()]


def body_of(graveyard: Graveyard, letter: Incoming) -> bytes:
    """What was buried in a letter."""
    return opened(SERVICE, letter.properties, letter.body, graveyard.rest).body


async def found(letters: Letters, *wanted: Incoming) -> list[str]:
    """The ids of what is found for the ids of these."""
    answers = [await letters.find(LetterId.parse(message.message_id)) for message in wanted]
    return [answer.message_id for answer in answers if answer is not None]


async def test_walk_sees_every_letter_once(graveyard: Graveyard, there: list[Incoming]) -> None:
    bodies = [body_of(graveyard, letter) for letter in there]
    assert len(bodies) == len(set(bodies)) == 43
    assert sum(len(body) == LARGE for body in bodies) == 3


@pytest.mark.parametrize("backwards", [False, True])
async def test_every_letter_is_found_by_its_id(
    graveyard: Graveyard, there: list[Incoming], backwards: bool
) -> None:
    wanted = list(reversed(there)) if backwards else there
    async with graveyard.letters(SERVICE) as letters:
        assert await found(letters, *wanted) == [letter.message_id for letter in wanted]


async def test_letter_of_several_chunks_is_found_whole_by_a_fresh_reader(
    graveyard: Graveyard, there: list[Incoming]
) -> None:
    for large in (letter for letter in there if len(letter.body) > LARGE):
        async with graveyard.letters(SERVICE) as letters:
            letter = await letters.find(LetterId.parse(large.message_id))
            assert letter is not None
            assert body_of(graveyard, letter) == body_of(graveyard, large)


async def test_what_is_no_letter_is_not_found(graveyard: Graveyard, there: list[Incoming]) -> None:
    large = next(letter for letter in there if len(letter.body) > LARGE)
    its_first_chunk = LetterId.parse(large.message_id)
    last = LetterId.parse(there[-1].message_id)
    for no_letter in (
        LetterId(its_first_chunk.ledger, its_first_chunk.entry - 2, its_first_chunk.partition, -1),
        LetterId(last.ledger, last.entry + 1, last.partition, -1),
        LetterId(last.ledger, last.entry + 5_000, last.partition, -1),
        LetterId(last.ledger + 10_000, 0, last.partition, -1),
        LetterId(0, 0, last.partition, -1),
        LetterId(last.ledger, last.entry, 999, -1),
        LetterId(last.ledger, last.entry, last.partition, 3),
    ):
        async with graveyard.letters(SERVICE) as letters:
            assert await letters.find(no_letter) is None, no_letter
            assert await found(letters, there[0]) == [there[0].message_id]  # it goes on


async def test_walk_since_an_instant(graveyard: Graveyard, there: list[Incoming]) -> None:
    service = "audit-desk"
    await graveyard.bury(service, b"before")
    async with graveyard.letters(service) as letters:
        (before,) = [letter async for letter in letters.walk()]
        since = before.published_at + timedelta(milliseconds=1)
        assert [letter async for letter in letters.walk(since)] == []
        await graveyard.bury(service, b"after")
        (after,) = [letter async for letter in letters.walk(since)]
        assert after.message_id != before.message_id
        future = datetime.now(UTC) + timedelta(days=1)
        assert [letter async for letter in letters.walk(future)] == []
        for long_ago in (None, datetime(1900, 1, 1, tzinfo=UTC)):
            assert len([letter async for letter in letters.walk(long_ago)]) == 2


async def test_topic_that_the_broker_does_not_have_is_none_of_ours(graveyard: Graveyard) -> None:
    with pytest.raises(Unavailable, match="TopicNotFound"):
        await graveyard.letters("nobody").find(LetterId(1, 1, 0, -1))
