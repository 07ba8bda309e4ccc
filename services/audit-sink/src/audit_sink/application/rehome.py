"""Rows that fell into DEFAULT come home: copied, proven by their roots, swapped in; no DELETE.

One transaction. Copying and proving go on beside readers and sinks, in rounds along the chain; only
the last round, of what came meanwhile, is under the lock that lets the new tables in.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from uuid import UUID

from audit_sink.application.partitions import Homecoming, StrayPart
from audit_sink.domain.evidence import BatchPart, parts
from dict_common.kernel.errors import DictError

PIECE_ROWS_MAX = 20_000
"""Rows in memory at once; a batch is never cut, so that its root can be recomputed."""
LAST_ROUND_ROWS_MAX = 5_000
ROUNDS_MAX = 20
LOCK_ATTEMPTS_MAX = 3


class NotProven(DictError):
    """Rows in DEFAULT differ from what was written to prove them: nothing was moved."""

    def __init__(self, detail: str) -> None:
        super().__init__("evidence-differs", detail)


class TablesBusy(DictError):
    """Readers or sinks held the table each time we asked: nothing was moved."""

    def __init__(self) -> None:
        super().__init__(
            "tables-busy",
            f"the table was in use each of {LOCK_ATTEMPTS_MAX} times: let exports and long "
            "queries end, then give the command again",
        )


Progress = Callable[[int], None]
"""Told after each piece: the rows copied and proven so far."""


@dataclass(frozen=True)
class Rehomed:
    """What was done. `parts`: roots recomputed; `home` and `left`: rows by month."""

    home: Mapping[date, int]
    left: Mapping[date, int]
    parts: int


class Rehome:
    """One run; the transaction is its caller's."""

    def __init__(self, homecoming: Homecoming, progress: Progress) -> None:
        self._homecoming = homecoming
        self._progress = progress
        self._rows: dict[date, int] = {}
        self._parts = 0
        self._reached = 0

    async def __call__(self, months: Sequence[date]) -> Rehomed:
        """Brings these months home; rows of others stand in the new DEFAULT.

        Raises NotProven, TablesBusy, NotChanged, Unavailable: then the transaction must be undone.
        """
        await self._homecoming.begin(months)
        for _ in range(ROUNDS_MAX):
            if await self._round() <= LAST_ROUND_ROWS_MAX:
                break
        await self._lock()
        await self._round()
        await self._homecoming.swap()
        return Rehomed(
            {month: rows for month, rows in sorted(self._rows.items()) if month in months},
            {month: rows for month, rows in sorted(self._rows.items()) if month not in months},
            self._parts,
        )

    async def _lock(self) -> None:
        """Between two attempts what waited behind us goes on, and we take what it wrote."""
        for _ in range(LOCK_ATTEMPTS_MAX):
            if await self._homecoming.lock():
                return
            await self._round()
        raise TablesBusy

    async def _round(self) -> int:
        """Copies and proves the batches since the last round; how many rows."""
        head = await self._homecoming.chain_head()
        stray = await self._homecoming.parts(self._reached, head)
        for piece in pieces(stray, PIECE_ROWS_MAX):
            await self._piece(piece)
        self._reached = head
        return sum(part.rows for part in stray)

    async def _piece(self, stray: Sequence[StrayPart]) -> None:
        batch_ids = list(dict.fromkeys(part.batch_id for part in stray))
        copied = await self._homecoming.copy(batch_ids)
        expected = sum(part.rows for part in stray)
        if copied != expected:
            raise NotProven(f"{copied} rows were copied where {expected} were counted")
        rows = await self._homecoming.copied(batch_ids)
        prove(stray, {batch_id: parts(rows[batch_id]) for batch_id in batch_ids})
        for part in stray:
            self._rows[part.month] = self._rows.get(part.month, 0) + part.rows
        self._parts += len(stray)
        self._progress(sum(self._rows.values()))


def prove(stray: Iterable[StrayPart], made: Mapping[UUID, Sequence[BatchPart]]) -> None:
    """Raises NotProven for the first part whose copies give another count or root."""
    recomputed = {(batch, part.month): part for batch, found in made.items() for part in found}
    for part in stray:
        found = recomputed.get((part.batch_id, part.month))
        if found is None or (found.rows, found.root) != (part.proven_rows, part.proven_root):
            place = f"batch {part.batch_id} (chain {part.chain_no}), month {part.month:%m/%Y}"
            raise NotProven(
                f"{place}: the rows in DEFAULT do not give the root in audit.batch_parts; find "
                "out who changed them"
            )


def pieces(stray: Sequence[StrayPart], rows_max: int) -> Iterator[Sequence[StrayPart]]:
    """Whole batches in order, as many as stay below `rows_max` rows, at least one."""
    piece: list[StrayPart] = []
    rows = 0
    for _, of_batch in groupby(stray, key=lambda part: part.batch_id):
        batch = list(of_batch)
        more = sum(part.rows for part in batch)
        if piece and rows + more > rows_max:
            yield piece
            piece, rows = [], 0
        piece += batch
        rows += more
    if piece:
        yield piece
