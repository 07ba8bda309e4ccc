"""A CID as PostgreSQL holds it: 32 bytes as four signed numbers, big-endian."""

import struct

from dict_common.store.database import Row

_FOUR = struct.Struct(">4q")
NONE = (None, None, None, None)
Columns = tuple[int | None, int | None, int | None, int | None]


def columns_of(cid: bytes | None) -> Columns:
    """c1 to c4."""
    return NONE if cid is None else _FOUR.unpack(cid)


def cid_in(row: Row, prefix: str = "c") -> bytes | None:
    """The CID of a row, None where it has none; or the VSync in other four columns."""
    four = [row[f"{prefix}{at}"] for at in range(1, 5)]
    return None if four[0] is None else _FOUR.pack(*four)
