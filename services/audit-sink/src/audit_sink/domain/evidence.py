"""What proves a row: its leaf, the roots of a batch, and the digest that tells a reused id.

Formats for ever (`schemas/examples/vectors.json` has vectors):
- leaf = SHA-256(0x00 ‖ columns in the table's order without id, batch_id, leaf_no), each column a
  u32 big-endian length and its bytes, 0xFFFFFFFF for NULL; uuid 16 bytes, times and integers int64
  big-endian (times: µs since 1970), text UTF-8, JSON canonical (sorted, compact);
- node = SHA-256(0x01 ‖ left ‖ right), an odd one moves up as it is;
- part root = Merkle root over a batch's leaves of one month, in leaf_no order;
- batch root = SHA-256(0x02 ‖ for each part, months ascending: yyyymm u32 ‖ rows u32 ‖ part root);
- content digest = first 8 bytes, as a signed int64, of SHA-256 over length-prefixed ce_type,
  ce_source, ce_subject, ce_sequence, ce_time, body.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from audit_sink.domain.audit_row import AuditRow
from dict_common.kernel.clock import to_micros, to_rfc3339
from dict_common.kernel.envelope import Envelope

_LENGTH = struct.Struct(">I")
_INT64 = struct.Struct(">q")
_NULL = b"\xff\xff\xff\xff"
_UUID_LENGTH = _LENGTH.pack(16)
_FRAMED_INT64 = struct.Struct(">Iq")
_WORDS_MAX = 4_096

Columns = tuple[bytes, ...]
"""A row's columns as its leaf takes them in: each with its length before it."""


@dataclass(frozen=True)
class BatchPart:
    """A batch's rows of one month."""

    month: date
    rows: int
    root: bytes


def framed_columns(row: AuditRow) -> Columns:
    """The sixteen columns, framed."""
    return (
        _uuid(row.event_id),
        _word(row.workflow_type),
        _text(row.workflow_id),
        _uuid(row.workflow_run_id),
        _word(row.event_type),
        _word(row.event_subtype),
        framed(row.event_payload),
        _uuid(row.user_id),
        _text(row.correlation_id),
        _FRAMED_INT64.pack(8, to_micros(row.occurred_at)),
        framed(row.metadata),
        _word(row.source),
        _word(row.aggregate_type),
        _text(row.aggregate_id),
        _FRAMED_INT64.pack(8, row.aggregate_sequence),
        _word(row.participant_ispb),
    )


def leaf_of(columns: Columns) -> bytes:
    """The leaf of a row, 32 bytes."""
    return sha256(b"\x00" + b"".join(columns)).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The root over at least one leaf."""
    level = list(leaves)
    while len(level) > 1:
        pairs = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(level[0::2], level[1::2], strict=False)
        ]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def parts(rows: Sequence[AuditRow]) -> tuple[BatchPart, ...]:
    """The parts of a batch, months ascending; `rows` in leaf_no order."""
    return parts_of_columns(rows, [framed_columns(row) for row in rows])


def parts_of_columns(rows: Sequence[AuditRow], columns: Sequence[Columns]) -> tuple[BatchPart, ...]:
    """As `parts`, where the columns are framed already."""
    by_month: dict[date, list[bytes]] = {}
    for row, of_row in zip(rows, columns, strict=True):
        by_month.setdefault(row.month, []).append(leaf_of(of_row))
    return tuple(
        BatchPart(month, len(leaves), merkle_root(leaves))
        for month, leaves in sorted(by_month.items())
    )


def batch_root(batch_parts: Sequence[BatchPart]) -> bytes:
    """The root over the parts: a detached month still proves its rows by its part."""
    text = b"".join(
        _LENGTH.pack(part.month.year * 100 + part.month.month) + _LENGTH.pack(part.rows) + part.root
        for part in batch_parts
    )
    return sha256(b"\x02" + text).digest()


def content_digest(envelope: Envelope, body: bytes) -> int:
    """Tells two events apart that came under one id."""
    sequence = "" if envelope.sequence is None else str(envelope.sequence)
    data = (
        _word(envelope.type)
        + _word(envelope.source)
        + framed(envelope.subject.encode())
        + framed(sequence.encode())
        + framed(to_rfc3339(envelope.time).encode())
        + framed(body)
    )
    digest: int = _INT64.unpack_from(sha256(data).digest())[0]
    return digest


def framed(data: bytes) -> bytes:
    """A u32 big-endian length and the bytes."""
    return _LENGTH.pack(len(data)) + data


def _text(value: str | None) -> bytes:
    return _NULL if value is None else framed(value.encode())


@lru_cache(_WORDS_MAX)
def _word(value: str | None) -> bytes:
    """As `_text`, for columns of few values."""
    return _text(value)


def _uuid(value: UUID | None) -> bytes:
    return _NULL if value is None else _UUID_LENGTH + value.bytes
