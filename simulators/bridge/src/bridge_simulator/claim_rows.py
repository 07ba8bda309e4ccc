"""Claims in the state file."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from bridge_simulator.documents import to_claim, to_document
from bridge_simulator.instants import to_us
from bridge_simulator.records import Claim


@dataclass(frozen=True)
class ClaimFilter:
    """Section 1.6. `statuses` empty and `type` empty mean any; both ends of the time belong."""

    participants: frozenset[str]
    as_donor: bool
    as_claimer: bool
    statuses: frozenset[str]
    type: str
    modified_us: tuple[int, int]


def find(db: sqlite3.Connection, claim_id: str) -> Claim | None:
    """A claim by DICT's Id."""
    row = db.execute("SELECT body FROM claims WHERE id = ?", (claim_id,)).fetchone()
    return to_claim(row[0]) if row else None


def find_open(db: sqlite3.Connection, key: str) -> Claim | None:
    """The claim that locks a key."""
    row = db.execute(
        "SELECT body FROM claims WHERE key = ? AND status NOT IN ('COMPLETED', 'CANCELLED')",
        (key,),
    ).fetchone()
    return to_claim(row[0]) if row else None


def locked_keys(db: sqlite3.Connection) -> frozenset[str]:
    """All keys that a claim locks."""
    rows = db.execute("SELECT key FROM claims WHERE status NOT IN ('COMPLETED', 'CANCELLED')")
    return frozenset(row[0] for row in rows)


def put(db: sqlite3.Connection, claim: Claim) -> None:
    """Writes a new claim, or a known one's new state."""
    db.execute(
        "INSERT INTO claims (id, key, type, status, donor, claimer, modified_us, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " status = excluded.status, modified_us = excluded.modified_us, body = excluded.body",
        (
            claim.id,
            claim.key,
            claim.type,
            claim.status,
            claim.donor_participant,
            claim.claimer_participant,
            to_us(claim.last_modified),
            to_document(claim),
        ),
    )


def select(db: sqlite3.Connection, wanted: ClaimFilter, limit: int) -> list[Claim]:
    """At most `limit` claims, ascending by LastModified."""
    rows = db.execute(
        "SELECT body FROM claims WHERE"
        " ((:as_donor AND donor IN (SELECT value FROM json_each(:participants)))"
        " OR (:as_claimer AND claimer IN (SELECT value FROM json_each(:participants))))"
        " AND (:statuses = '[]' OR status IN (SELECT value FROM json_each(:statuses)))"
        " AND (:type = '' OR type = :type)"
        " AND modified_us BETWEEN :after AND :before"
        " ORDER BY modified_us, id LIMIT :limit",
        {
            "participants": _json(wanted.participants),
            "as_donor": wanted.as_donor,
            "as_claimer": wanted.as_claimer,
            "statuses": _json(wanted.statuses),
            "type": wanted.type,
            "after": wanted.modified_us[0],
            "before": wanted.modified_us[1],
            "limit": limit,
        },
    )
    return [to_claim(row[0]) for row in rows]


def _json(texts: Iterable[str]) -> str:
    return json.dumps(sorted(texts))
