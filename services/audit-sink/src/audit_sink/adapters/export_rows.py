"""Rows as the formats of an export hold them; the columns are the same in all."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from audit_sink.adapters.stored_rows import COLUMNS
from audit_sink.application.audit_search import Row
from audit_sink.domain.audit_row import canonical_json
from dict_common.kernel.clock import to_rfc3339


def json_object(row: Row) -> dict[str, object]:
    """Ids as text, times RFC 3339 with six digits, JSON as it is."""
    return {name: _json(row[name]) for name in COLUMNS}


def columns_of(rows: Sequence[Row]) -> dict[str, list[object]]:
    """Column by column: ids and JSON as text, JSON canonical as its leaf has it."""
    return {name: [_cell(row[name]) for row in rows] for name in COLUMNS}


def _json(value: object) -> object:
    match value:
        case UUID():
            return str(value)
        case datetime():
            return to_rfc3339(value)
    return value


def _cell(value: object) -> object:
    match value:
        case UUID():
            return str(value)
        case dict():
            return canonical_json(value).decode()
    return value
