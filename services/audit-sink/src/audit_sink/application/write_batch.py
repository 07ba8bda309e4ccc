"""One batch of events into audit.workflow_events: every new one once, poison set aside."""

from collections.abc import Sequence
from dataclasses import dataclass

from audit_sink.application.ports import (
    AuditStore,
    Candidate,
    Decoded,
    Poison,
    RowRefused,
    Written,
)
from dict_common.kernel.errors import Undeliverable
from dict_common.kernel.ids import IdSource


@dataclass(frozen=True)
class BatchResult:
    """What became of a batch."""

    new: tuple[Candidate, ...]
    duplicates: int
    poison: tuple[Poison, ...]


class WriteBatch:
    """Repeatable: a batch written twice is a batch written once."""

    def __init__(self, store: AuditStore, new_id: IdSource) -> None:
        self._store = store
        self._new_id = new_id

    async def __call__(self, decoded: Decoded) -> BatchResult:
        """Raises Unavailable: then nothing of it may be acknowledged."""
        written, buried = await self._written(decoded.candidates)
        reuses = [reused(candidate) for part in written for candidate in part.reused]
        return BatchResult(
            new=tuple(row for part in written for row in part.new),
            duplicates=sum(part.duplicates for part in written),
            poison=(*decoded.poison, *buried, *reuses),
        )

    async def _written(self, candidates: Sequence[Candidate]) -> tuple[list[Written], list[Poison]]:
        """Halves a batch that the database refuses, until the bad rows stand alone."""
        written: list[Written] = []
        buried: list[Poison] = []
        waiting = [list(candidates)] if candidates else []
        while waiting:
            batch = waiting.pop()
            try:
                written.append(await self._store.write(self._new_id(), batch))
            except RowRefused as error:
                if len(batch) == 1:
                    buried.append(refused(batch[0], error))
                    continue
                middle = len(batch) // 2
                waiting += [batch[middle:], batch[:middle]]
        return written, buried


def reused(candidate: Candidate) -> Poison:
    """The poison that it is."""
    return Poison(
        candidate.place,
        Undeliverable(
            "event-id-reused",
            f"event {candidate.row.event_id} came before with another content: "
            "its producer must give each event its own id",
        ),
    )


def refused(candidate: Candidate, error: RowRefused) -> Poison:
    """The poison that a row is which the database refuses even alone."""
    reason = Undeliverable(
        "row-refused", f"PostgreSQL refused the row ({error.why}): fix, then redrive"
    )
    reason.__cause__ = error.__cause__
    return Poison(candidate.place, reason)
