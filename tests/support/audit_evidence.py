"""The audit's own evidence, computed anew from the table."""

from typing import Any

import asyncpg

from audit_sink.adapters.stored_rows import row_of
from audit_sink.domain.audit_row import AuditRow
from audit_sink.domain.evidence import batch_root, parts
from dict_common.store.database import prepare

_COLUMNS = ", ".join(AuditRow._fields)
_BATCHES = "SELECT batch_id, chain_no, rows, root FROM audit.batches ORDER BY chain_no"
_PARTS = "SELECT month, rows, root FROM audit.batch_parts WHERE batch_id = $1 ORDER BY month"
_ROWS = f"SELECT {_COLUMNS} FROM audit.workflow_events WHERE batch_id = $1 ORDER BY leaf_no"


async def broken_evidence(connection: "asyncpg.Connection[Any]") -> list[str]:
    """What does not fit: numbers of the chain, rows of a batch, roots. Empty = all fits."""
    await prepare(connection)
    batches = await connection.fetch(_BATCHES)
    broken = []
    if [batch["chain_no"] for batch in batches] != list(range(1, len(batches) + 1)):
        broken.append("the chain has a gap")
    for batch in batches:
        rows = [row_of(dict(row)) for row in await connection.fetch(_ROWS, batch["batch_id"])]
        made = parts(rows)
        stored = [tuple(row) for row in await connection.fetch(_PARTS, batch["batch_id"])]
        if [(part.month, part.rows, part.root) for part in made] != stored:
            broken.append(f"batch {batch['chain_no']}: a part differs")
        if (len(rows), batch_root(made)) != (batch["rows"], batch["root"]):
            broken.append(f"batch {batch['chain_no']}: rows or root differ")
    total = await connection.fetchval("SELECT count(*) FROM audit.workflow_events")
    if total != sum(batch["rows"] for batch in batches):
        broken.append(f"{total} rows, of batches that count others")
    return broken
