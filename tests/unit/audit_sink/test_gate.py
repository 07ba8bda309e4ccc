"""The gate's answers are believed only as far as they fit together."""

from typing import Any, cast

import pytest

from audit_sink.adapters.postgres_audit_store import PostgresAuditStore
from audit_sink.application.ports import Candidate
from dict_common.kernel.errors import Unavailable
from dict_common.store.database import Connection, Database
from tests.support.audit_rows import audit_row


class Prepared:
    """A connection with prepared answers."""

    def __init__(self, *answers: list[dict[str, Any]]) -> None:
        self.answers = list(answers)

    async def fetch(self, *_: object) -> list[dict[str, Any]]:
        """The next one."""
        return self.answers.pop(0)


async def test_id_that_leaves_the_gate_meanwhile_is_not_taken_for_new() -> None:
    store = PostgresAuditStore(cast("Database", None))
    candidates = [Candidate(place, audit_row(), place) for place in range(2)]
    stopped_and_gone = cast("Connection", Prepared([{"passed": 1}], []))
    with pytest.raises(Unavailable, match="gate-changed"):
        await store._passed(stopped_and_gone, candidates)
    known = {"event_id": candidates[0].row.event_id, "content_digest": 0}
    stopped = cast("Connection", Prepared([{"passed": 1}], [known]))
    new, _ = await store._passed(stopped, candidates)
    assert new == candidates[1:]
