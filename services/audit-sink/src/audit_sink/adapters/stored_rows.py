"""Rows of audit.workflow_events as they were before they were stored."""

from collections.abc import Mapping
from typing import Any

from audit_sink.domain.audit_row import AuditRow, canonical_json

COLUMNS = (*AuditRow._fields, "batch_id", "leaf_no")
"""The leaf's columns in their order, then the row's place in the evidence. Only ever added to."""


def row_of(columns: Mapping[str, Any]) -> AuditRow:
    """The row, its JSONB (decoded) in canonical form again; other columns may stand beside."""
    values = {name: columns[name] for name in AuditRow._fields}
    for name in ("event_payload", "metadata"):
        values[name] = canonical_json(values[name])
    return AuditRow(**values)
