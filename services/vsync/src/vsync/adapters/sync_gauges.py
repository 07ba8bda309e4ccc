"""How long ago each set was proven, and what waits for a person: for alarms."""

import math

from dict_common.store.database import Database
from dict_common.store.queries import load_queries
from dict_common.telemetry import metrics

_QUERIES = load_queries("vsync.adapters", "runs")


class SyncGauges:
    """Looks into the database: every worker shows the same."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self) -> None:
        """Sets the gauges. Raises Unavailable; then they stay as they are."""
        for row in await self._database.fetch(_QUERIES["proofs_age"]):
            seconds = math.inf if row["seconds"] is None else row["seconds"]
            metrics.vsync_proof_age.labels(row["participant"], row["key_type"]).set(seconds)
        reviews = await self._database.fetch_row(_QUERIES["reviews_open"])
        assert reviews is not None, "a count is a row"
        metrics.vsync_reviews_open.set(reviews["open"])
        metrics.vsync_reviews_overdue.set(reviews["overdue"])
