"""Follow the audit along its chain: the order of commits, which no identity and no time is."""

import asyncio
from collections.abc import Callable, Sequence

from audit_sink.application.audit_search import AuditSearch, Row
from audit_sink.domain.criteria import Criteria
from dict_common.kernel.errors import Unavailable
from dict_common.kernel.stopping import stopped_within

POLL_SECONDS = 0.5


class Follow:
    """From a chain number on: what fits is shown once, in the order of commits."""

    def __init__(
        self,
        audit: AuditSearch,
        criteria: Criteria,
        show: Callable[[Sequence[Row]], None],
        tell: Callable[[str], None],
    ) -> None:
        self._audit = audit
        self._criteria = criteria
        self._show = show
        self._tell = tell
        self._away = False

    async def __call__(self, chain_no: int, stop: asyncio.Event) -> None:
        """Until `stop`; waits for a database that is away, and says so."""
        while not stop.is_set():
            try:
                chain_no = await self._back(chain_no)
                rows, reached = await self._audit.following(self._criteria, chain_no)
            except Unavailable as error:
                self._lost(error)
                reached = chain_no
            else:
                self._show(rows)
            if reached == chain_no:
                await stopped_within(stop, POLL_SECONDS)
            chain_no = reached

    def _lost(self, error: Unavailable) -> None:
        if not self._away:
            self._tell(f"the database is away ({error.detail}); waiting for it")
        self._away = True

    async def _back(self, chain_no: int) -> int:
        """Where to go on after an outage: a restored backup has a shorter chain than we saw."""
        if not self._away:
            return chain_no
        head = await self._audit.chain_head()
        self._away = False
        self._tell("the database is back")
        if head < chain_no:
            self._tell(
                f"its chain ends at {head}, {chain_no} was shown: it was restored from a backup; "
                "what the sink writes again is shown again"
            )
        return min(head, chain_no)
