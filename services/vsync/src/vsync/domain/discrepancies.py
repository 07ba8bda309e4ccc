"""What a difference of CIDs means: seed 003's three types, found by the key behind the CID."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from vsync.domain.cid import CidAttributes


class DiscrepancyType(StrEnum):
    """Seed 003. Bacen is the reference."""

    MISSING_LOCAL = "MISSING_LOCAL"
    """DICT has the key and we do not: it is created here."""
    OUTDATED_LOCAL = "OUTDATED_LOCAL"
    """Both have the key, with other values or another RequestId: ours is updated."""
    MISSING_BACEN = "MISSING_BACEN"
    """We have the key and DICT does not: a person decides. Never deleted by us."""


@dataclass(frozen=True)
class KnownEntry:
    """An entry behind a CID, as far as telling entries apart needs it.

    `key_hash` is the keyed hash of key type and key: equal for the same key, and nothing else.
    """

    cid: bytes
    key_hash: str


@dataclass(frozen=True)
class Discrepancy:
    """One key that differs. `local` and `remote` are CIDs; the side that lacks the key is None."""

    type: DiscrepancyType
    key_hash: str
    local: bytes | None
    remote: bytes | None


def discrepancies(
    only_local: Iterable[KnownEntry], only_remote: Iterable[KnownEntry]
) -> list[Discrepancy]:
    """Every key that differs, once, in the order of DICT's entries, then of ours.

    DICT holds a key once. Where we hold it more than once, one is updated and the rest are missing
    at Bacen.
    """
    ours: dict[str, list[bytes]] = {}
    for entry in only_local:
        ours.setdefault(entry.key_hash, []).append(entry.cid)
    found = []
    for entry in only_remote:
        held = ours.get(entry.key_hash)
        local = held.pop(0) if held else None
        type_ = DiscrepancyType.MISSING_LOCAL if local is None else DiscrepancyType.OUTDATED_LOCAL
        found.append(Discrepancy(type_, entry.key_hash, local, entry.cid))
    left = ((key_hash, cid) for key_hash, cids in ours.items() for cid in cids)
    found += [
        Discrepancy(DiscrepancyType.MISSING_BACEN, key_hash, cid, None) for key_hash, cid in left
    ]
    return found


def differing_fields(
    local: CidAttributes, local_request_id: UUID, remote: CidAttributes, remote_request_id: UUID
) -> Mapping[str, tuple[str, str]]:
    """The values that part two versions of a key, ours first. Personal data: for eyes that may."""
    ours = {**local._asdict(), "request_id": str(local_request_id)}
    theirs = {**remote._asdict(), "request_id": str(remote_request_id)}
    return {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]}
