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
from dataclasses import dataclass, fields
from datetime import date, datetime
from hashlib import sha256
from uuid import UUID

from audit_sink.domain.audit_row import AuditRow, canonical_json
from dict_common.kernel.clock import to_micros, to_rfc3339
from dict_common.kernel.envelope import Envelope

_LENGTH = struct.Struct(">I")
_INT64 = struct.Struct(">q")
_NULL = b"\xff\xff\xff\xff"


@dataclass(frozen=True)
class BatchPart:
    """A batch's rows of one month."""

    month: date
    rows: int
    root: bytes


def leaf(row: AuditRow) -> bytes:
    """The row's leaf, 32 bytes."""
    columns = (_column(getattr(row, field.name)) for field in fields(row))
    return sha256(b"\x00" + b"".join(columns)).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The root over at least one leaf."""
    level = list(leaves)
    while len(level) > 1:
        pairs = [
            sha256(b"\x01" + level[place] + level[place + 1]).digest()
            for place in range(0, len(level) - 1, 2)
        ]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def parts(rows: Sequence[AuditRow]) -> tuple[BatchPart, ...]:
    """The parts of a batch, months ascending; `rows` in leaf_no order."""
    by_month: dict[date, list[bytes]] = {}
    for row in rows:
        by_month.setdefault(row.month, []).append(leaf(row))
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
    texts = (
        envelope.type,
        envelope.source,
        envelope.subject,
        "" if envelope.sequence is None else str(envelope.sequence),
        to_rfc3339(envelope.time),
    )
    framed = b"".join(_framed(text.encode()) for text in texts) + _framed(body)
    digest: int = _INT64.unpack(sha256(framed).digest()[:8])[0]
    return digest


def _column(value: object) -> bytes:
    match value:
        case None:
            return _NULL
        case UUID():
            return _framed(value.bytes)
        case datetime():
            return _framed(_INT64.pack(to_micros(value)))
        case int():
            return _framed(_INT64.pack(value))
        case str():
            return _framed(value.encode())
        case dict():
            return _framed(canonical_json(value).encode())
    raise TypeError(f"no leaf format for {type(value).__name__}")


def _framed(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data
