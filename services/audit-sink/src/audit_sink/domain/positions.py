"""Where a message lies on its partition, and which stretch of a partition is read."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self


class Position(NamedTuple):
    """A message's place on its partition; a later message compares as greater.

    `batch` is its number in the producer's batch, -1 where it came alone.
    """

    ledger: int
    entry: int
    batch: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Out of `ledger:entry:batch`, or of a message id `ledger:entry:partition:batch`."""
        ledger, entry, *_, batch = text.split(":")
        return cls(int(ledger), int(entry), int(batch))

    def __str__(self) -> str:
        return f"{self.ledger}:{self.entry}:{self.batch}"

    @property
    def of_entry(self) -> tuple[int, int]:
        """The broker's entry that holds it."""
        return self.ledger, self.entry


@dataclass(frozen=True)
class Published:
    """Publish times, from `since` on and before `until`; None: no bound."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, instant: datetime) -> bool:
        """Whether an instant is among them."""
        after = self.since is None or instant >= self.since
        return after and (self.until is None or instant < self.until)


@dataclass(frozen=True)
class Span:
    """What is read of one partition: all entries from `first` to `last`, both included."""

    topic: str
    """Its name below the namespace, such as claim.created."""
    partition: int
    first: Position
    last: Position
    entries: int
    bytes: int
    """About as much: an entry counts as its ledger's average."""
