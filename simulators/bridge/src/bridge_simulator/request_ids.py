"""RequestIds, by section 1.8: the same content answers again, other content is refused."""

import dataclasses
import hashlib
import json
import sqlite3

from bridge_simulator.problems import DictProblem


def content_digest(operation: str, *parts: object) -> str:
    """Stands for what was asked: operation and every part (dataclasses and plain values)."""
    plain = [
        dataclasses.asdict(part)
        if dataclasses.is_dataclass(part) and not isinstance(part, type)
        else part
        for part in parts
    ]
    text = json.dumps([operation, *plain], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def earlier_answer(
    db: sqlite3.Connection, participant: str, request_id: str, digest: str
) -> str | None:
    """What the first call was answered, None for a new id. Raises RequestIdAlreadyUsed."""
    row = db.execute(
        "SELECT digest, answer FROM request_ids WHERE participant = ? AND request_id = ?",
        (participant, request_id.lower()),
    ).fetchone()
    if row is None:
        return None
    if row[0] != digest:
        raise DictProblem("RequestIdAlreadyUsed")
    answer: str = row[1]
    return answer


def remember(
    db: sqlite3.Connection, participant: str, request_id: str, digest: str, answer: str
) -> None:
    """Keeps the answer of a first call."""
    db.execute(
        "INSERT INTO request_ids (participant, request_id, digest, answer) VALUES (?, ?, ?, ?)",
        (participant, request_id.lower(), digest, answer),
    )
