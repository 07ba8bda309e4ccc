"""Rows come home: in rounds, in pieces, proven; or nothing is swapped."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from audit_sink.application import rehome
from audit_sink.application.partitions import Hindrance, NotChanged, StrayPart
from audit_sink.application.rehome import NotProven, Rehome, Rehomed, TablesBusy, pieces
from audit_sink.domain.audit_row import AuditRow
from audit_sink.domain.evidence import parts
from tests.support.audit_rows import audit_row

FEBRUARY, MARCH = date(2020, 2, 1), date(2020, 3, 1)


def rows_of(*months: date) -> list[AuditRow]:
    """A row in each."""
    return [audit_row(occurred_at=datetime.combine(it, datetime.min.time(), UTC)) for it in months]


class MemoryHomecoming:
    """A DEFAULT of batches; `arriving` come one at each look at the chain, as from a sink."""

    def __init__(self, *batches: list[AuditRow]) -> None:
        self.batches = {UUID(int=n): rows for n, rows in enumerate(batches, 1)}
        self.roots = {
            (batch_id, part.month): part
            for batch_id, rows in self.batches.items()
            for part in parts(rows)
        }
        self.seen = len(batches)
        self.copies: dict[UUID, list[AuditRow]] = {}
        self.busy = 0
        self.locked_at: int | None = None
        self.swapped = 0
        self.months: Sequence[date] = ()

    async def begin(self, months: Sequence[date]) -> None:
        self.months = months

    async def chain_head(self) -> int:
        head = self.seen
        if self.locked_at is None:
            self.seen = min(len(self.batches), self.seen + 1)
        return head

    async def parts(self, after: int, last: int) -> Sequence[StrayPart]:
        return [
            StrayPart(batch_id, batch_id.int, part.month, part.rows, root.rows, root.root)
            for batch_id in (UUID(int=n) for n in range(after + 1, last + 1))
            for part in parts(self.batches[batch_id])
            for root in (self.roots[batch_id, part.month],)
        ]

    async def copy(self, batch_ids: Sequence[UUID]) -> int:
        assert not set(batch_ids) & self.copies.keys()
        self.copies |= {batch_id: self.batches[batch_id] for batch_id in batch_ids}
        return sum(len(self.batches[batch_id]) for batch_id in batch_ids)

    async def copied(self, batch_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[AuditRow]]:
        return {batch_id: self.copies[batch_id] for batch_id in batch_ids}

    async def lock(self) -> bool:
        self.busy -= 1
        if self.busy >= 0:
            return False
        self.locked_at = len(self.copies)
        return True

    async def swap(self) -> int:
        assert self.locked_at is not None
        if len(self.copies) != self.seen:
            raise NotChanged(Hindrance.DETACHED, "rows are missing")
        self.swapped += 1
        return sum(map(len, self.copies.values()))


async def brought_home(homecoming: MemoryHomecoming, *months: date) -> tuple[Rehomed, list[int]]:
    """A run, and what it told."""
    told: list[int] = []
    return await Rehome(homecoming, told.append)(months), told


async def test_chosen_months_are_home_and_others_are_left() -> None:
    homecoming = MemoryHomecoming(rows_of(FEBRUARY, MARCH, MARCH), rows_of(MARCH))
    done, told = await brought_home(homecoming, MARCH)
    assert (done.home, done.left, done.parts) == ({MARCH: 3}, {FEBRUARY: 1}, 3)
    assert (homecoming.swapped, homecoming.months, told) == (1, (MARCH,), [4])


async def test_what_a_sink_writes_meanwhile_is_taken_too() -> None:
    homecoming = MemoryHomecoming(*(rows_of(MARCH) for _ in range(6)))
    homecoming.seen = 2
    homecoming.busy = 2
    done, _told = await brought_home(homecoming, MARCH)
    assert homecoming.locked_at is not None
    assert homecoming.locked_at >= 3
    assert done.home == {MARCH: homecoming.seen}


async def test_table_that_is_never_free_is_let_be() -> None:
    homecoming = MemoryHomecoming(rows_of(MARCH))
    homecoming.busy = rehome.LOCK_ATTEMPTS_MAX
    with pytest.raises(TablesBusy):
        await brought_home(homecoming, MARCH)
    assert homecoming.swapped == 0


@pytest.mark.parametrize(
    "sin",
    [
        lambda rows: rows[:-1],
        lambda rows: rows[::-1],
        lambda rows: [*rows[:-1], rows[-1]._replace(source="forged")],
    ],
    ids=["a row is missing", "two are swapped", "a value is another"],
)
async def test_copies_that_do_not_give_the_root_are_not_swapped_in(sin: Any) -> None:
    homecoming = MemoryHomecoming(rows_of(MARCH, MARCH), rows_of(MARCH, MARCH))
    homecoming.batches[UUID(int=2)] = sin(homecoming.batches[UUID(int=2)])
    with pytest.raises(NotProven, match=str(UUID(int=2))):
        await brought_home(homecoming, MARCH)
    assert homecoming.swapped == 0


async def test_part_without_evidence_is_not_swapped_in() -> None:
    class Unproven(MemoryHomecoming):
        async def parts(self, after: int, last: int) -> Sequence[StrayPart]:
            found = await super().parts(after, last)
            return [replace(part, proven_rows=None, proven_root=None) for part in found]

    homecoming = Unproven(rows_of(MARCH))
    with pytest.raises(NotProven):
        await brought_home(homecoming, MARCH)
    assert homecoming.swapped == 0


async def test_large_default_is_never_whole_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehome, "PIECE_ROWS_MAX", 4)
    sizes: list[int] = []

    class Measured(MemoryHomecoming):
        async def copied(self, batch_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[AuditRow]]:
            found = await super().copied(batch_ids)
            sizes.append(sum(map(len, found.values())))
            return found

    done, told = await brought_home(
        Measured(*(rows_of(FEBRUARY, MARCH, MARCH) for _ in range(5))), MARCH
    )
    assert sizes == [3] * 5
    assert told == [3, 6, 9, 12, 15]
    assert done.home == {MARCH: 10}


def stray(batch: int, rows: int, month: date = MARCH) -> StrayPart:
    """A part."""
    return StrayPart(UUID(int=batch), batch, month, rows, rows, b"")


@pytest.mark.parametrize(
    ("given", "batches"),
    [
        ([], []),
        ([stray(1, 100)], [[1]]),
        ([stray(1, 4), stray(2, 6), stray(3, 1)], [[1, 2], [3]]),
        ([stray(1, 4), stray(2, 100), stray(3, 1)], [[1], [2], [3]]),
        ([stray(1, 9), stray(1, 9, FEBRUARY), stray(2, 1)], [[1, 1], [2]]),
    ],
)
def test_pieces_are_whole_batches(given: list[StrayPart], batches: list[list[int]]) -> None:
    assert [[it.chain_no for it in piece] for piece in pieces(given, 10)] == batches


async def test_fewer_rows_than_were_counted_are_not_swapped_in() -> None:
    class Losing(MemoryHomecoming):
        async def copy(self, batch_ids: Sequence[UUID]) -> int:
            return await super().copy(batch_ids) - 1

    homecoming = Losing(rows_of(MARCH))
    with pytest.raises(NotProven, match="0 rows were copied where 1"):
        await brought_home(homecoming, MARCH)
    assert homecoming.swapped == 0
