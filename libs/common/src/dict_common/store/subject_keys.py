"""connect.subject_keys."""

from uuid import UUID

from dict_common.kernel.errors import Unavailable
from dict_common.ports.sealing import Subject, SubjectKey
from dict_common.store.database import Database
from dict_common.store.queries import load_queries

_QUERIES = load_queries("dict_common.store", "subject_keys")


class PostgresSubjectKeyStore:
    """SubjectKeyStore over PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_by_tax_id_hash(self, tax_id_hashes: tuple[str, ...]) -> SubjectKey | None:
        """The living key of a tax id."""
        return await self._find("subject_by_tax_id_hash", list(tax_id_hashes))

    async def find_by_subject(self, subject_id: UUID) -> SubjectKey | None:
        """The newest key of a subject."""
        return await self._find("subject_by_id", subject_id)

    async def find_by_key(self, key_id: UUID) -> SubjectKey | None:
        """The key that a ciphertext names."""
        return await self._find("subject_by_key", key_id)

    async def insert(self, key: SubjectKey, tax_id_hash: str) -> SubjectKey:
        """Adds a key, or answers the one that another process added first."""
        await self._database.fetch(
            _QUERIES["subject_insert"],
            (key.subject.key_id, key.subject.subject_id, tax_id_hash, key.wrapped_dek),
        )
        stored = await self.find_by_tax_id_hash((tax_id_hash,))
        if stored is None:
            raise Unavailable("subject-key-gone", "destroyed while it was being made: try again")
        return stored

    async def _find(self, query: str, argument: object) -> SubjectKey | None:
        row = await self._database.fetch_row(_QUERIES[query], (argument,))
        if row is None:
            return None
        return SubjectKey(Subject(row["subject_id"], row["key_id"]), row["wrapped_dek"])
