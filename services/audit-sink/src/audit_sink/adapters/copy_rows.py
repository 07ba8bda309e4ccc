"""Rows as PostgreSQL's binary COPY takes them (PostgreSQL 16, COPY, "Binary Format").

A leaf frames its columns as COPY does (length and bytes, 0xFFFFFFFF for NULL), so they are encoded
once: only times, which PostgreSQL counts from 2000, and JSONB, which has a version byte, differ.
"""

import struct
from collections.abc import AsyncIterator, Iterable, Sequence
from uuid import UUID

from audit_sink.adapters.stored_rows import COLUMNS
from audit_sink.domain.audit_row import AuditRow
from audit_sink.domain.evidence import Columns, framed

CHUNK_BYTES = 256 * 1024

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_FIELDS = struct.pack(">h", len(COLUMNS))
_TIME = struct.Struct(">Iq")
_LEAF_NO = struct.Struct(">Ii")
_JSONB_1 = b"\x01"
_MICROS_1970_TO_2000 = 946_684_800_000_000
_PAYLOAD, _OCCURRED_AT, _METADATA = (
    AuditRow._fields.index(name) for name in ("event_payload", "occurred_at", "metadata")
)


def copied(rows: Sequence[AuditRow], columns: Sequence[Columns], batch_id: UUID) -> list[bytes]:
    """The rows of a batch; `leaf_no` counts from 0."""
    batch = framed(batch_id.bytes)
    return [
        b"".join(
            (
                _FIELDS,
                *of_row[:_PAYLOAD],
                framed(_JSONB_1 + row.event_payload),
                *of_row[_PAYLOAD + 1 : _OCCURRED_AT],
                _time(of_row[_OCCURRED_AT]),
                framed(_JSONB_1 + row.metadata),
                *of_row[_METADATA + 1 :],
                batch,
                _LEAF_NO.pack(4, leaf_no),
            )
        )
        for leaf_no, (row, of_row) in enumerate(zip(rows, columns, strict=True))
    ]


async def stream(rows: Iterable[bytes]) -> AsyncIterator[bytes]:
    """The whole COPY in chunks that a connection can write while others have their turn."""
    chunk = bytearray(_HEADER)
    for row in rows:
        chunk += row
        if len(chunk) >= CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    chunk += _TRAILER
    yield bytes(chunk)


def _time(column: bytes) -> bytes:
    length, micros = _TIME.unpack(column)
    return _TIME.pack(length, micros - _MICROS_1970_TO_2000)
