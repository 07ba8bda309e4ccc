"""What `dictctl audit search|tail|export` asks of the audit."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from audit_sink.domain.criteria import Criteria
from dict_common.kernel.errors import DictError

Row = Mapping[str, object]
"""Columns by name; personal data in it is sealed."""


class SearchTooSlow(DictError):
    """One look took longer than a statement may."""

    def __init__(self) -> None:
        super().__init__(
            "search-too-slow",
            "it took longer than a statement may: ask for less time with --from and --to",
        )


class AfterUnknown(LookupError):
    """No row has the event id that a page should follow."""


class AuditSearch(Protocol):
    """Reads rows. Blocks; raises Unavailable when PostgreSQL is away."""

    async def search(
        self, criteria: Criteria, limit: int, after: UUID | None, now: datetime
    ) -> Sequence[Row]:
        """One aggregate's by sequence, refused commands last; else the newest first.

        `after`: what follows that event. Raises AfterUnknown, SearchTooSlow.
        """

    async def last(
        self, criteria: Criteria, count: int, now: datetime
    ) -> tuple[Sequence[Row], int]:
        """The newest, the oldest of them first, and the chain number up to which they are true."""

    async def following(self, criteria: Criteria, chain_no: int) -> tuple[Sequence[Row], int]:
        """What fits in the next batches after that chain number, and the last one's number.

        In the order of their commits. The number given, if there is none yet.
        """

    async def chain_head(self) -> int:
        """The last committed batch's chain number, 0 if there is none."""

    def stream(
        self, criteria: Criteria
    ) -> AbstractAsyncContextManager[AsyncIterator[Sequence[Row]]]:
        """Everything that fits, in the order of time, some thousand rows at once: one snapshot."""
