"""The gate: of everything that comes under one id, one content stands, once."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from audit_sink.application.ports import Candidate, Written
from dict_common.kernel.ids import new_id
from tests.support.audit_rows import AuditWriter, assert_proven, audit_row, audit_writer
from tests.support.world import World

ROWS = 300


def candidate(event_id: UUID, content: int, place: int = 0) -> Candidate:
    """A content of that id."""
    return Candidate(place, audit_row(event_id=event_id, aggregate_id=str(content)), content)


async def written(writer: AuditWriter, candidates: Sequence[Candidate]) -> Written:
    """One batch."""
    return await writer.store.write(new_id(), candidates)


async def stored(world: World, *ids: UUID) -> dict[UUID, list[str]]:
    """The contents of the rows of each."""
    connection = await world.connect()
    rows = await connection.fetch(
        "SELECT event_id, array_agg(aggregate_id) AS contents FROM audit.workflow_events "
        "WHERE event_id = ANY($1) GROUP BY event_id",
        ids,
    )
    await assert_proven(connection)
    await connection.close()
    return {row["event_id"]: row["contents"] for row in rows}


async def test_of_new_rivals_the_first_stands(world: World, writer: AuditWriter) -> None:
    one, other = new_id(), new_id()
    first, rival, copy, alone = (
        candidate(one, 1),
        candidate(one, 2),
        candidate(one, 1),
        candidate(other, 7),
    )
    result = await written(writer, [first, rival, copy, alone, rival])
    assert (result.new, result.duplicates, result.reused) == ((first, alone), 1, (rival, rival))
    assert await stored(world, one, other) == {one: ["1"], other: ["7"]}


@pytest.mark.parametrize("look_first", [False, True], ids=["insert-first", "look-first"])
async def test_what_stands_stays_whatever_comes_before_it(
    world: World, writer: AuditWriter, look_first: bool
) -> None:
    one, other, third = new_id(), new_id(), new_id()
    stands = candidate(one, 1)
    await written(writer, [stands, candidate(third, 3)])
    if look_first:
        repeated = await written(writer, [stands, stands, stands])
        assert (repeated.new, repeated.duplicates, repeated.reused) == ((), 3, ())
    rival, news, late = candidate(one, 2), candidate(other, 7), candidate(other, 8)
    result = await written(writer, [rival, news, stands, late])
    assert (result.new, result.duplicates, result.reused) == ((news,), 1, (rival, late))
    assert await stored(world, one, other) == {one: ["1"], other: ["7"]}


async def test_two_writers_of_the_same_let_each_through_once(
    world: World, writer: AuditWriter
) -> None:
    async with audit_writer(world) as second:
        for _ in range(5):
            ids = [new_id() for _ in range(ROWS)]
            batch = [candidate(id_, 1, place) for place, id_ in enumerate(ids)]
            results = await asyncio.gather(
                written(writer, batch[: 2 * ROWS // 3]),
                written(second, list(reversed(batch[ROWS // 3 :]))),
            )
            assert sum(len(it.new) for it in results) == ROWS
            assert sum(it.duplicates for it in results) == ROWS // 3
            assert not any(it.reused for it in results)
            assert await stored(world, *ids) == {id_: ["1"] for id_ in ids}
