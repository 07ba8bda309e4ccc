"""connect.subject_keys."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from dict_common.kernel.errors import Unavailable
from dict_common.ports.sealing import Person, Subject, SubjectKey
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
            raise _gone()
        return stored

    async def subjects_of(self, persons: Sequence[Person]) -> list[UUID]:
        """The subject of each, made where nobody has met the person before."""
        known = await self._known(persons)
        unmet = {it.tax_id_hashes[0]: it for it in persons if _found(it, known) is None}
        if unmet:
            fresh = [it.fresh for it in unmet.values()]
            await self._database.fetch(
                _QUERIES["subjects_insert"],
                (
                    [it.subject.key_id for it in fresh],
                    [it.subject.subject_id for it in fresh],
                    list(unmet),
                    [it.wrapped_dek for it in fresh],
                ),
            )
            known |= await self._known(unmet.values())
        subjects = [_found(it, known) for it in persons]
        if None in subjects:
            raise _gone()
        return [it for it in subjects if it is not None]

    async def _known(self, persons: Iterable[Person]) -> dict[str, UUID]:
        hashes = [name for it in persons for name in it.tax_id_hashes]
        rows = await self._database.fetch(_QUERIES["subjects_by_tax_id_hash"], (hashes,))
        return {row["tax_id_hash"]: row["subject_id"] for row in rows}

    async def _find(self, query: str, argument: object) -> SubjectKey | None:
        row = await self._database.fetch_row(_QUERIES[query], (argument,))
        if row is None:
            return None
        return SubjectKey(Subject(row["subject_id"], row["key_id"]), row["wrapped_dek"])


def _found(person: Person, known: Mapping[str, UUID]) -> UUID | None:
    return next((known[it] for it in person.tax_id_hashes if it in known), None)


def _gone() -> Unavailable:
    return Unavailable("subject-key-gone", "destroyed while it was being made: try again")
