"""CID and VSync, by section 3.1 of Bacen's rules.

No normalisation and no validation in here: exactly the registered strings count.
"""

import hmac
from collections.abc import Iterable
from hashlib import sha256
from uuid import UUID

from bridge_simulator.records import Account, Owner

EMPTY_VERIFIER = "0" * 64

_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_INNER_REST, _OUTER_REST = (bytes([pad]) * (64 - 16) for pad in (0x36, 0x5C))


def entry_cid(request_id: str, key_type: str, key: str, owner: Owner, account: Account) -> str:
    """The CID of an entry's nine attributes under the RequestId it was made with."""
    return cid(
        request_id,
        (
            key_type,
            key,
            owner.tax_id_number,
            owner.name,
            owner.trade_name or "",
            account.participant,
            account.branch or "",
            account.account_number,
            account.account_type,
        ),
    )


def cid(request_id: str, attributes: tuple[str, ...]) -> str:
    """HMAC-SHA256 under the UUID's 16 big-endian bytes of the attributes joined with `&`."""
    message = "&".join(attributes).encode("utf-8")
    return hmac.new(UUID(request_id).bytes, message, sha256).hexdigest()


def cid_bytes(request_id: bytes, attributes: tuple[str, ...]) -> bytes:
    """The same as 32 bytes, from the UUID's: quick enough for millions."""
    # HMAC as RFC 2104 writes it: the library looks its algorithm up anew at every call.
    message = "&".join(attributes).encode("utf-8")
    inner = sha256(request_id.translate(_INNER) + _INNER_REST + message).digest()
    return sha256(request_id.translate(_OUTER) + _OUTER_REST + inner).digest()


def toggled(verifier: str, changed_cid: str) -> str:
    """The VSync after `changed_cid` came or went: both are the same XOR."""
    return f"{int(verifier, 16) ^ int(changed_cid, 16):064x}"


def sync_verifier(cids: Iterable[str]) -> str:
    """The VSync of a whole set; 64 zeros for none."""
    verifier = EMPTY_VERIFIER
    for each in cids:
        verifier = toggled(verifier, each)
    return verifier
