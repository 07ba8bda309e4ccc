"""CID and VSync, by section 3.1 of Bacen's rules.

Exactly the registered strings count: nothing is normalised, and nothing is judged, for DICT holds
values that its own patterns refuse today (Bacen's example has a branch of five digits).
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

CID_BYTES = 32
EMPTY_VSYNC = bytes(CID_BYTES)
"""The VSync of no key at all: 64 zeros in text."""

_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_INNER_REST, _OUTER_REST = (bytes([pad]) * (64 - 16) for pad in (0x36, 0x5C))


class CidAttributes(NamedTuple):
    """What a CID is made of, in Bacen's order. What is absent is the empty string.

    `key`, `tax_id`, `name`, `trade_name` and `account_number` are personal data.
    """

    key_type: str
    key: str
    tax_id: str
    name: str
    trade_name: str
    participant: str
    branch: str
    account_number: str
    account_type: str

    def __repr__(self) -> str:
        return f"CidAttributes({self.key_type}, …, {self.participant})"


def cid_of(request_id: UUID, attributes: CidAttributes) -> bytes:
    """HMAC-SHA256 under the UUID's 16 big-endian bytes, of the attributes joined by `&`.

    `request_id` is the one of createEntry or completeClaim; updateEntry keeps it. An `&` within a
    value is not escaped. Raises UnicodeEncodeError where text is none (a lone surrogate).
    """
    key, message = request_id.bytes, "&".join(attributes).encode()
    # HMAC as RFC 2104 writes it: `hmac.digest` fetches its algorithm anew at every call.
    inner = sha256(key.translate(_INNER) + _INNER_REST + message).digest()
    return sha256(key.translate(_OUTER) + _OUTER_REST + inner).digest()


def toggled(vsync: bytes, *cids: bytes) -> bytes:
    """The VSync after these CIDs came or went: both are the same XOR."""
    number = int.from_bytes(vsync)
    for cid in cids:
        number ^= int.from_bytes(cid)
    return number.to_bytes(CID_BYTES)


def vsync_of(cids: Iterable[bytes]) -> bytes:
    """The VSync of a set of CIDs."""
    return toggled(EMPTY_VSYNC, *cids)
