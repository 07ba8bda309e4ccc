"""What the broker tells of a partition's ledgers, which hold its entries one after the other."""

import sys
from collections.abc import Iterator
from typing import Any

from audit_sink.domain.positions import Position, Span


class Ledgers:
    """Of one partition. `stats`: the broker's internal stats of it."""

    def __init__(self, stats: Any) -> None:
        # The broker counts the entries of the one that it writes apart.
        *closed, current = stats["ledgers"]
        self._ledgers: list[tuple[int, int, int]] = [
            *((it["ledgerId"], it["entries"], it["size"]) for it in closed),
            (current["ledgerId"], stats["currentLedgerEntries"], stats["currentLedgerSize"]),
        ]
        self._cursors: dict[str, Any] = stats["cursors"]

    @property
    def first(self) -> Position:
        """Where its first entry is, or would be."""
        return Position(self._ledgers[0][0], 0, -1)

    @property
    def last(self) -> Position | None:
        """The last entry; None if there is none. A new ledger is empty: its last is in one
        before."""
        last = self.before(Position(sys.maxsize, 0, -1))
        return last if last.ledger >= 0 else None

    def before(self, behind: Position) -> Position:
        """The last entry before a place; one before all of them if there is none."""
        if behind.entry > 0:
            return behind._replace(entry=behind.entry - 1)
        filled = [(id_, count) for id_, count, _ in self._ledgers if count and id_ < behind.ledger]
        return Position(filled[-1][0], filled[-1][1] - 1, -1) if filled else Position(-1, -1, -1)

    def between(self, first: Position, last: Position) -> tuple[int, int]:
        """Entries and bytes from one to the other, both included."""
        count, size = 0, 0.0
        for _, entry_bytes, begin, end in self._parts(first, last):
            count += end - begin + 1
            size += entry_bytes * (end - begin + 1)
        return count, round(size)

    def entries(self, span: Span, behind: Position | None) -> Iterator[tuple[int, int]]:
        """Ledger and number of a span's entries, behind a place or all of them."""
        first = span.first if behind is None else behind._replace(entry=behind.entry + 1)
        for id_, _, begin, end in self._parts(first, span.last):
            yield from ((id_, entry) for entry in range(begin, end + 1))

    def acknowledged(self, subscription: str, last: Position) -> bool:
        """Whether a subscription has acknowledged everything up to an entry."""
        cursor = self._cursors.get(subscription)
        if cursor is None:
            return False
        ledger, entry = cursor["markDeletePosition"].split(":")
        return (int(ledger), int(entry)) >= last.of_entry

    def _parts(self, first: Position, last: Position) -> Iterator[tuple[int, float, int, int]]:
        """Id, bytes of an entry, first and last entry of each ledger's part."""
        for id_, count, ledger_bytes in self._ledgers:
            if count == 0 or not first.ledger <= id_ <= last.ledger:
                continue
            begin = first.entry if id_ == first.ledger else 0
            end = min(count - 1, last.entry) if id_ == last.ledger else count - 1
            if begin <= end:
                yield id_, ledger_bytes / count, begin, end
