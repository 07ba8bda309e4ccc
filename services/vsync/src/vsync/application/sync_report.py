"""A discrepancy as a report shows it: what it is and what became of it, its key masked."""

from vsync.application.identify_entries import RUNG_NAMES
from vsync.application.sync_console import Open, Row
from vsync.domain.fates import fate
from vsync.domain.masking import key_of

SEALED = "sealed"
"""In place of a key that this console cannot open."""
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


def reported(found: Row, open_: Open) -> Row:
    """A row of `SyncReader.discrepancies`, without anything sealed."""
    papers = open_(found["remote_sealed"]) or open_(found["local_sealed"])
    told = found | {
        "key": SEALED if papers is None else key_of(papers.attributes),
        "local_cid": _hex(found["local_cid"]),
        "dict_cid": _hex(found["remote_cid"]),
        "became": fate(found["type"], found["state"]),
        "compared": RUNG_NAMES.get(found["rung"], str(found["rung"])),
    }
    return {name: told[name] for name in COLUMNS}


def _hex(cid: bytes | None) -> str | None:
    return None if cid is None else cid.hex()
