"""A discrepancy as a report shows it: what it is and what became of it, its key masked.

In clear, for whoever has said why, it shows both versions too; the RequestId, which is the secret
of a CID, never.
"""

from collections.abc import Sequence

from vsync.application.entry_papers import EntryPapers
from vsync.application.identify_entries import RUNG_NAMES
from vsync.application.sync_console import Open, Row
from vsync.domain.fates import fate
from vsync.domain.masking import key_of

SEALED = "sealed"
"""In place of a key that this console cannot open."""
NOT_KEPT = "not kept"
"""In place of what nobody can open: it was erased, or DICT has never shown it."""
COLUMNS = (
    "type",
    "state",
    "participant",
    "key_type",
    "key",
    "entry_id",
    "local_cid",
    "dict_cid",
    "dict_at",
    "seen_at",
    "settled_at",
    "reason_code",
    "review_id",
    "became",
    "run_id",
    "compared",
    "number",
)
"""Names of a row, in the order of a CSV file."""
VALUES = ("tax_id", "name", "trade_name", "branch", "account_number", "account_type")
CLEAR_COLUMNS = (*COLUMNS, *(f"{side}_{name}" for side in ("ours", "dict") for name in VALUES))


def reported(found: Row, open_: Open) -> Row:
    """A row of `SyncReader.discrepancies`, without anything sealed."""
    papers = open_(found["remote_sealed"]) or open_(found["local_sealed"])
    return _told(found, _key(found, None if papers is None else key_of(papers.attributes)))


def reported_in_clear(found: Row, open_: Open) -> Row:
    """The same with the key and both versions in clear. None where a side has no entry."""
    ours, theirs = open_(found["local_sealed"]), open_(found["remote_sealed"])
    papers = theirs or ours
    return (
        _told(found, _key(found, None if papers is None else papers.attributes.key))
        | _side("ours", found["local_cid"], found["local_sealed"], ours)
        | _side("dict", found["remote_cid"], found["remote_sealed"], theirs)
    )


def opened_of(rows: Sequence[Row]) -> int:
    """How many entries rows in clear have opened."""
    return len({it["entry_id"] for it in rows if it["key"] not in (SEALED, NOT_KEPT)})


def _told(found: Row, key: str) -> Row:
    told = found | {
        "key": key,
        "local_cid": _hex(found["local_cid"]),
        "dict_cid": _hex(found["remote_cid"]),
        "became": fate(found["type"], found["state"]),
        "compared": RUNG_NAMES.get(found["rung"], str(found["rung"])),
    }
    return {name: told[name] for name in COLUMNS}


def _key(found: Row, opened: str | None) -> str:
    if opened is not None:
        return opened
    kept = found["local_sealed"] is not None or found["remote_sealed"] is not None
    return SEALED if kept else NOT_KEPT


def _side(side: str, cid: bytes | None, sealed: bytes | None, papers: EntryPapers | None) -> Row:
    if papers is not None:
        values = papers.attributes._asdict()
        return {f"{side}_{name}": values[name] for name in VALUES}
    missing = None if cid is None else NOT_KEPT if sealed is None else SEALED
    return {f"{side}_{name}": missing for name in VALUES}


def _hex(cid: bytes | None) -> str | None:
    return None if cid is None else cid.hex()
