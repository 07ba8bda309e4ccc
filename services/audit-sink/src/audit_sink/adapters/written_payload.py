"""A row as its writer's schema has it: without the fields that later versions add by default.

A row holds what the newest version was when it was stored; its message is read by today's. They are
the same event, and differ by defaults.
"""

import json
from functools import cache, lru_cache

from audit_sink.domain.audit_row import AuditRow, Json, canonical_json
from audit_sink.domain.evidence import Columns
from audit_sink.domain.reconciliation import compared_columns
from dict_schemas import avro

VERSIONS_MAX = 256
"""Kept; a stranger's row may name any."""


def compared(row: AuditRow) -> Columns:
    """The compared columns of a row, whichever release stored it."""
    return compared_columns(as_written(row))


def as_written(row: AuditRow) -> AuditRow:
    """Only what has its default is left out: whatever else stands in such a field, stays."""
    if not _has_grown(row.event_subtype):
        return row
    added = _added(row.event_subtype, _writer_version(row.metadata))
    payload = json.loads(row.event_payload)
    if not added or not isinstance(payload, dict):
        return row
    kept = {
        name: value
        for name, value in payload.items()
        if name not in added or canonical_json(value) != added[name]
    }
    return row._replace(event_payload=canonical_json(kept))


def _writer_version(metadata: bytes) -> int:
    """0 where somebody else wrote it."""
    stored = json.loads(metadata)
    version = stored.get("schema_version") if isinstance(stored, dict) else None
    return version if isinstance(version, int) else 0


@cache
def _has_grown(name: str | None) -> bool:
    return name in avro.names() and len(avro.versions(name)) > 1


@lru_cache(VERSIONS_MAX)
def _added(name: str, version: int) -> dict[str, bytes]:
    """Fields behind that version and their defaults as they stand in a row."""
    if version not in avro.versions(name):
        return {}
    known = {field["name"] for field in avro.fields(avro.definition(name, version))}
    newest = avro.fields(avro.definition(name, avro.latest(name)))
    return {
        str(field["name"]): canonical_json(_json(field["default"]))
        for field in newest
        if field["name"] not in known
    }


def _json(default: object) -> Json:
    return json.loads(json.dumps(default))  # type: ignore[no-any-return]
