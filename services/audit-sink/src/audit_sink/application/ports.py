"""What writing a batch asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from audit_sink.domain.audit_row import AuditRow
from dict_common.kernel.errors import Undeliverable


class Candidate(NamedTuple):
    """A decoded event before the gate; `place` finds its message again."""

    place: int
    row: AuditRow
    content_digest: int


@dataclass(frozen=True)
class Poison:
    """A message that is no row, and why."""

    place: int
    error: Undeliverable


@dataclass(frozen=True)
class Decoded:
    """A batch of messages, each a row or poison."""

    candidates: Sequence[Candidate]
    poison: Sequence[Poison]


@dataclass(frozen=True)
class Written:
    """What one transaction did."""

    new: tuple[Candidate, ...]
    duplicates: int
    reused: tuple[Candidate, ...]
    """Same id, other content: to the dead letters."""


class RowRefused(Exception):
    """A value of the batch cannot be stored; which row it was is not known.

    `why`: the SQLSTATE, or the type of a defect of ours that the value ran into.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class AuditStore(Protocol):
    """audit.* in PostgreSQL. Blocks; raises Unavailable when it is away."""

    async def write(self, batch_id: UUID, candidates: Sequence[Candidate]) -> Written:
        """Gate, rows, roots and chain number in one transaction. Raises RowRefused.

        Of several contents under one id stands what the gate knows, or else the first of them.
        Repeating it after an unknown outcome finds duplicates.
        """
