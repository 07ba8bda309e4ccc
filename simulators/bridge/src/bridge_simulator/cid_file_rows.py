"""Files of CIDs in the state file. What is told of a made file is written once, at its making."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from bridge_simulator.cid_file_fault_rows import to_document, to_trouble
from bridge_simulator.cid_file_faults import FileTrouble
from bridge_simulator.instants import from_us, to_us


@dataclass(frozen=True)
class MadeFile:
    """A file's true size and digest."""

    creation_time: datetime
    bytes: int
    sha256: str


@dataclass(frozen=True)
class FileContent:
    """What a file was made of: the lines of stored entries, and all of a generated set but what was
    `gone` by then, packed positions; None where the set was not generated."""

    stored: bytes
    gone: bytes | None = None


@dataclass(frozen=True)
class StoredFile:
    """A file that was asked for; `made` None until it is. `refusals` are its downloads so far that
    the trouble refused."""

    id: str
    participant: str
    key_type: str
    request_time: datetime
    trouble: FileTrouble
    refusals: int = 0
    made: MadeFile | None = None


def add(db: sqlite3.Connection, file: StoredFile) -> None:
    """A file was asked for."""
    db.execute(
        "INSERT INTO cid_files (id, participant, key_type, requested_us) VALUES (?, ?, ?, ?)",
        (file.id, file.participant, file.key_type, to_us(file.request_time)),
    )
    if file.trouble != FileTrouble():
        db.execute(
            "INSERT INTO cid_file_troubles (file_id, body) VALUES (?, ?)",
            (file.id, to_document(file.trouble)),
        )


def find(db: sqlite3.Connection, file_id: str) -> StoredFile | None:
    """A file by its id."""
    row = db.execute(
        "SELECT file.id, file.participant, file.key_type, file.requested_us, trouble.body,"
        " coalesce(trouble.refusals, 0), file.created_us, made.bytes, made.sha256"
        " FROM cid_files AS file"
        " LEFT JOIN cid_file_troubles AS trouble ON trouble.file_id = file.id"
        " LEFT JOIN cid_files_made AS made ON made.file_id = file.id WHERE file.id = ?",
        (file_id,),
    ).fetchone()
    if row is None:
        return None
    return StoredFile(
        id=row[0],
        participant=row[1],
        key_type=row[2],
        request_time=from_us(row[3]),
        trouble=FileTrouble() if row[4] is None else to_trouble(row[4]),
        refusals=row[5],
        made=None if row[7] is None else MadeFile(from_us(row[6]), row[7], row[8]),
    )


def set_made(db: sqlite3.Connection, file_id: str, made: MadeFile, content: FileContent) -> None:
    """A file is made."""
    db.execute(
        "UPDATE cid_files SET created_us = ?, content = ? WHERE id = ?",
        (to_us(made.creation_time), content.stored, file_id),
    )
    db.execute(
        "INSERT INTO cid_files_made (file_id, bytes, sha256, gone) VALUES (?, ?, ?, ?)",
        (file_id, made.bytes, made.sha256, content.gone),
    )


def content(db: sqlite3.Connection, file_id: str) -> FileContent:
    """What `set_made` got."""
    row = db.execute(
        "SELECT file.content, made.gone FROM cid_files AS file"
        " JOIN cid_files_made AS made ON made.file_id = file.id WHERE file.id = ?",
        (file_id,),
    ).fetchone()
    return FileContent(row[0], row[1])


def count_refusal(db: sqlite3.Connection, file_id: str) -> None:
    """A download of the file is refused."""
    db.execute("UPDATE cid_file_troubles SET refusals = refusals + 1 WHERE file_id = ?", (file_id,))
