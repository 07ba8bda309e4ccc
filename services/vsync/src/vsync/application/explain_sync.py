"""Why a key differed: its two versions field by field, and the event that parted them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dict_common.kernel.clock import to_rfc3339
from vsync.application.entry_papers import EntryPapers
from vsync.application.sync_console import Open, Row, SyncReader, WantedDiscrepancies
from vsync.application.sync_report import NOT_KEPT, SEALED, reported, reported_in_clear
from vsync.domain.discrepancies import DiscrepancyType, differing_fields
from vsync.domain.masking import REQUEST_ID, how_it_differs, shown, shown_in_clear

ADDED, REMOVED = "ADDED", "REMOVED"


@dataclass(frozen=True)
class Past:
    """What is known of CIDs and of reports that were refused."""

    history: Sequence[Row]
    refused: Sequence[Row]

    def came(self, cid: bytes | None, entry_id: UUID) -> Row | None:
        """When the entry last got this CID."""
        return self._last(cid, ADDED, entry_id)

    def gone(self, cid: bytes | None) -> Row | None:
        """When any entry of ours last lost this CID."""
        return self._last(cid, REMOVED, None)

    def _last(self, cid: bytes | None, event: str, entry_id: UUID | None) -> Row | None:
        fits = [
            row
            for row in self.history
            if row["cid"] == cid
            and row["event"] == event
            and (entry_id is None or row["entry_id"] == entry_id)
        ]
        return fits[-1] if fits else None


async def explain(
    reader: SyncReader,
    wanted: WantedDiscrepancies,
    limit: int,
    open_: Open,
    in_clear: bool = False,
) -> list[Row]:
    """Everything known of discrepancies, in the reader's order. Raises Unavailable."""
    found = await reader.discrepancies(wanted, limit)
    if not found:
        return []
    entries = list({row["entry_id"] for row in found})
    cids = {cid for row in found for cid in (row["local_cid"], row["remote_cid"]) if cid}
    proofs = [row["proven_before"] for row in found]
    past = Past(
        await reader.cid_history(entries, list(cids)),
        await reader.refused_reports(
            entries,
            None if None in proofs else min(proofs),
            max(row["started_at"] for row in found),
        ),
    )
    return [explained(row, past, open_, in_clear) for row in found]


def explained(found: Row, past: Past, open_: Open, in_clear: bool = False) -> Row:
    """A discrepancy as its report shows it, and why."""
    ours, theirs = open_(found["local_sealed"]), open_(found["remote_sealed"])
    refused = [row for row in past.refused if row["entry_id"] == str(found["entry_id"])]
    report = reported_in_clear if in_clear else reported
    return report(found, open_) | {
        "differs": _differs(found, ours, theirs, in_clear),
        "parted": _parted(found, past),
        "proven_before": found["proven_before"],
        "found_by_run_of": found["started_at"],
        "refused": [
            {name: row[name] for name in ("occurred_at", "reason_code", "detail", "command_id")}
            for row in refused
        ],
        "history": [_told(row) for row in past.history if row["entry_id"] == found["entry_id"]],
    }


def _differs(
    found: Row, ours: EntryPapers | None, theirs: EntryPapers | None, in_clear: bool
) -> list[Row]:
    """Field by field; nothing where one side has no entry."""
    if found["local_cid"] is None or found["remote_cid"] is None:
        return []
    if ours is None or theirs is None:
        kept = found["local_sealed"] is not None and found["remote_sealed"] is not None
        word = SEALED if kept else NOT_KEPT
        return [{"field": word, "ours": word, "dict": word, "how": None}]
    show = shown_in_clear if in_clear else shown
    parted = differing_fields(
        ours.attributes, ours.request_id, theirs.attributes, theirs.request_id
    )
    return [
        {
            "field": name,
            "ours": show(name, mine),
            "dict": show(name, yours),
            "how": "the entry was made by another request"
            if name == REQUEST_ID
            else how_it_differs(mine, yours),
        }
        for name, (mine, yours) in parted.items()
    ]


def _parted(found: Row, past: Past) -> str:
    """The event, as far as it is known, and between which proofs it was."""
    return f"{_dict_side(found)}; {_our_side(found, past)}"


def _dict_side(found: Row) -> str:
    did = {
        DiscrepancyType.MISSING_LOCAL: "took it in",
        DiscrepancyType.OUTDATED_LOCAL: "changed it",
        DiscrepancyType.MISSING_BACEN: "gave it up",
    }[DiscrepancyType(found["type"])]
    if found["dict_at"] is not None:
        return f"DICT {did} at {_at(found['dict_at'])}"
    proof = found["proven_before"]
    since = "before" if proof is None else f"between the proof of {_at(proof)} and"
    return f"DICT {did} {since} the run of {_at(found['started_at'])}: a file does not say when"


def _our_side(found: Row, past: Past) -> str:
    if found["type"] == DiscrepancyType.MISSING_LOCAL:
        gone = past.gone(found["remote_cid"])
        if gone is None:
            return "it never stood here"
        return f"it stood here until {_at(gone['at'])}, when {gone['source']} took it out"
    came = past.came(found["local_cid"], found["entry_id"])
    if came is None:
        return "nothing tells since when ours stands"
    ours = f"ours stands since {_at(came['at'])}, told by {came['source']}"
    if found["dict_at"] is not None and came["dict_time"] > found["dict_at"]:
        return f"{ours} as of {_at(came['dict_time'])}, which is later and which DICT does not have"
    return f"{ours} as of {_at(came['dict_time'])}"


def _told(row: Row) -> Row:
    names = ("at", "event", "source", "dict_time", "caused_by")
    return {name: row[name] for name in names} | {"cid": row["cid"].hex()}


def _at(instant: datetime) -> str:
    return to_rfc3339(instant)
