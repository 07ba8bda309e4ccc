"""Operations on files of CIDs: asked for, made when their time has come, downloaded."""

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain

import numpy as np

from bridge_simulator import cid_file_fault_rows, cid_file_rows, cid_rows, formats, generated_rows
from bridge_simulator.cid_file_faults import FileTrouble
from bridge_simulator.cid_file_rows import FileContent, MadeFile, StoredFile
from bridge_simulator.directory import Directory, Outcome
from bridge_simulator.ledger import Call
from bridge_simulator.problems import DictProblem

REQUESTED = "REQUESTED"
PROCESSING = "PROCESSING"
AVAILABLE = "AVAILABLE"

_POSITION = np.dtype("<u4")


@dataclass(frozen=True)
class CidFile:
    """A file as DICT shows it; the last three are None until it is AVAILABLE."""

    id: str
    participant: str
    key_type: str
    request_time: datetime
    status: str
    creation_time: datetime | None = None
    bytes: int | None = None
    sha256: str | None = None


class CidFiles:
    """DICT's files of CIDs. Every method raises DictProblem when DICT refuses."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def request(self, call: Call, key_type: str) -> CidFile:
        """Asks for a file of a set's CIDs; what will go wrong with it is settled here."""

        def work(db: sqlite3.Connection, now: datetime) -> Outcome[CidFile]:
            formats.require_key_type(key_type)
            file_id = str(self._directory.new_uuid())
            trouble = cid_file_fault_rows.take(db, call.participant, key_type) or FileTrouble()
            file = StoredFile(file_id, call.participant, key_type, now, trouble)
            cid_file_rows.add(db, file)
            return Outcome(_shown(file, REQUESTED), effective=True)

        return self._directory.write(call, work)

    def get(self, file_id: str, requesting_participant: str) -> CidFile:
        """What has become of a file; it is made at the first look after it is due."""
        now = self._directory.now()
        with self._directory.store.transaction() as db:
            file = self._known(db, file_id, requesting_participant)
            status = self._status(file, now)
            if status == AVAILABLE and file.made is None:
                self._make(db, file, now)
                file = self._known(db, file_id, requesting_participant)
        return _shown(file, status)

    def download(self, file_id: str, requesting_participant: str) -> Iterator[bytes]:
        """The bytes of an AVAILABLE file, in pieces."""
        with self._directory.store.transaction() as db:
            file = self._known(db, file_id, requesting_participant)
            refused = file.made is not None and file.refusals < file.trouble.downloads_not_found
            if refused:
                cid_file_rows.count_refusal(db, file_id)
            elif file.made is not None:
                content = cid_file_rows.content(db, file_id)
                lines = self._lines(db, file, content)
        if file.made is None:
            raise DictProblem("NotFound", "the file is not made yet")
        if refused:
            raise DictProblem("NotFound", "there is no such file")
        return file.trouble.sent(file.trouble.written(lines), file.made.bytes)

    def _status(self, file: StoredFile, now: datetime) -> str:
        due = self._directory.periods.cid_file_due(file.request_time)
        trouble = file.trouble
        if file.made is not None:
            return AVAILABLE
        if now < due:
            return REQUESTED
        if now < due + timedelta(milliseconds=trouble.late_ms):
            return PROCESSING
        return trouble.status or AVAILABLE

    def _make(self, db: sqlite3.Connection, file: StoredFile, now: datetime) -> None:
        """With the CIDs of this moment: one a line."""
        cids = cid_rows.stored(db, file.participant, file.key_type)
        generated = generated_rows.find(db, file.participant, file.key_type)
        content = FileContent(
            stored="".join(f"{cid}\n" for cid in cids).encode("ascii"),
            gone=None if generated is None else _packed(generated_rows.gone(db, generated)),
        )
        digest, size = hashlib.sha256(), 0
        for piece in file.trouble.written(self._lines(db, file, content)):
            digest.update(piece)
            size += len(piece)
        made = MadeFile(now, size, digest.hexdigest())
        cid_file_rows.set_made(db, file.id, made, content)

    def _lines(
        self, db: sqlite3.Connection, file: StoredFile, content: FileContent
    ) -> Iterator[bytes]:
        if content.gone is None:
            return iter([content.stored])
        of = generated_rows.find(db, file.participant, file.key_type)
        assert of is not None, "a generated set stays as long as its files"
        gone = np.frombuffer(content.gone, dtype=_POSITION)
        return chain(self._directory.generated.cids(of).lines(gone), [content.stored])

    def _known(self, db: sqlite3.Connection, file_id: str, participant: str) -> StoredFile:
        file = cid_file_rows.find(db, file_id)
        if file is None:
            raise DictProblem("NotFound", "there is no such file")
        self._directory.require_represents(participant, file.participant)
        return file


def _shown(file: StoredFile, status: str) -> CidFile:
    shown = CidFile(file.id, file.participant, file.key_type, file.request_time, status)
    if file.made is None:
        return shown
    return replace(
        shown,
        creation_time=file.made.creation_time,
        bytes=file.trouble.shown_bytes(file.made.bytes),
        sha256=file.trouble.shown_sha256(file.made.sha256),
    )


def _packed(positions: list[int]) -> bytes:
    return np.array(positions, dtype=_POSITION).tobytes()
