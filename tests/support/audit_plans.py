"""How PostgreSQL would run a search of the audit: the plan's nodes and the tables in it."""

import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any

import asyncpg

from audit_sink.adapters.postgres_audit_search import QUERIES
from audit_sink.domain.criteria import Criteria

LIMIT = 100


@dataclass(frozen=True)
class Plan:
    """Which nodes read which tables by which indexes."""

    scans: frozenset[tuple[str, str]]
    """(node, table) of every node that reads rows."""
    indexes: frozenset[str]

    @property
    def nodes(self) -> str:
        """The kinds of scans, for a person."""
        return ", ".join(sorted({node for node, _ in self.scans})) or "none"

    @property
    def tables(self) -> frozenset[str]:
        """The partitions that are read."""
        return frozenset(table for _, table in self.scans)


async def plan_of(connection: "asyncpg.Connection[Any]", criteria: Criteria) -> Plan:
    """As the search itself has it planned; as operator_ro or a superuser."""
    async with connection.transaction(readonly=True):
        for name in ("plan_anew", "plan_by_index"):
            await connection.execute(QUERIES[name].sql)
        query = "by_sequence" if criteria.one_aggregate else "newest"
        more = (None, LIMIT) if criteria.one_aggregate else (None, None, LIMIT)
        text = await connection.fetchval(
            f"EXPLAIN (FORMAT JSON) {QUERIES[query].sql}", *astuple(criteria), *more
        )
    nodes = list(_nodes(json.loads(text)[0]["Plan"]))
    return Plan(
        frozenset((it["Node Type"], it["Relation Name"]) for it in nodes if "Relation Name" in it),
        frozenset(it["Index Name"] for it in nodes if "Index Name" in it),
    )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)
