"""SubjectKeyStore: a fake, and the exam that fake and PostgreSQL pass alike."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid4

from dict_common.ports.sealing import Person, Subject, SubjectKey, SubjectKeyStore


class InMemorySubjectKeyStore:
    """SubjectKeyStore with keys in memory."""

    def __init__(self) -> None:
        self._keys: dict[UUID, SubjectKey] = {}
        self._by_hash: dict[str, UUID] = {}

    async def find_by_tax_id_hash(self, tax_id_hashes: tuple[str, ...]) -> SubjectKey | None:
        """The living key of a tax id."""
        found = [self._by_hash[it] for it in tax_id_hashes if it in self._by_hash]
        return self._keys[found[0]] if found else None

    async def find_by_subject(self, subject_id: UUID) -> SubjectKey | None:
        """The newest key of a subject."""
        found = [key for key in self._keys.values() if key.subject.subject_id == subject_id]
        return found[-1] if found else None

    async def find_by_key(self, key_id: UUID) -> SubjectKey | None:
        """The key that a ciphertext names."""
        return self._keys.get(key_id)

    async def insert(self, key: SubjectKey, tax_id_hash: str) -> SubjectKey:
        """Adds a key, or answers the one that was first."""
        if tax_id_hash in self._by_hash:
            return self._keys[self._by_hash[tax_id_hash]]
        self._keys[key.subject.key_id] = key
        self._by_hash[tax_id_hash] = key.subject.key_id
        return key

    async def subjects_of(self, persons: Sequence[Person]) -> list[UUID]:
        """One after the other."""
        found = []
        for person in persons:
            key = await self.find_by_tax_id_hash(person.tax_id_hashes)
            key = key or await self.insert(person.fresh, person.tax_id_hashes[0])
            found.append(key.subject.subject_id)
        return found

    def destroy(self, key_id: UUID) -> None:
        """Erases: key and hash are gone, the row stays."""
        self._keys[key_id] = replace(self._keys[key_id], wrapped_dek=None)
        self._by_hash = {name: it for name, it in self._by_hash.items() if it != key_id}


class SubjectKeyStoreSuite(ABC):
    """Subclasses say how a store is made and how a key is destroyed in it."""

    @abstractmethod
    async def store(self) -> SubjectKeyStore:
        """A store to examine."""

    @abstractmethod
    async def destroy(self, key_id: UUID) -> None:
        """Erases a subject's key."""

    async def test_key_is_found_in_three_ways(self) -> None:
        """By the person, by the subject, by the ciphertext."""
        store, key, person = await self.store(), _key(), _hash()
        assert await store.insert(key, person) == key
        assert await store.find_by_tax_id_hash((_hash(), person)) == key
        assert await store.find_by_subject(key.subject.subject_id) == key
        assert await store.find_by_key(key.subject.key_id) == key

    async def test_first_key_of_a_person_wins(self) -> None:
        """Two processes may meet the same person at once."""
        store, first, second, person = await self.store(), _key(), _key(), _hash()
        await store.insert(first, person)
        assert await store.insert(second, person) == first

    async def test_stranger_is_nobody(self) -> None:
        """Nothing is found, nothing is made."""
        store = await self.store()
        assert await store.find_by_tax_id_hash((_hash(),)) is None
        assert await store.find_by_subject(uuid4()) is None
        assert await store.find_by_key(uuid4()) is None

    async def test_many_persons_are_met_at_once(self) -> None:
        """Known ones, new ones, and one who is named twice; also by the hash of an older key."""
        store, known, person, new = await self.store(), _key(), _hash(), _hash()
        await store.insert(known, person)
        strangers = [Person((new,), _key()), Person((_hash(),), _key()), Person((new,), _key())]
        rehashed = Person((_hash(), person), _key())
        first = await store.subjects_of([strangers[0], rehashed, *strangers[1:]])
        assert first[1] == known.subject.subject_id
        assert first[0] == first[3]
        assert len(set(first)) == 3
        stored = await store.find_by_tax_id_hash((new,))
        assert stored is not None
        assert stored.subject.subject_id == first[0]
        assert await store.subjects_of(strangers) == [first[0], first[2], first[3]]
        assert await store.subjects_of([]) == []

    async def test_destroyed_key_is_empty_and_the_person_can_return(self) -> None:
        """A person who returns is a new subject."""
        store, key, person = await self.store(), _key(), _hash()
        await store.insert(key, person)
        await self.destroy(key.subject.key_id)
        left = await store.find_by_key(key.subject.key_id)
        assert left is not None
        assert left.wrapped_dek is None
        assert await store.find_by_tax_id_hash((person,)) is None
        again = _key()
        assert await store.insert(again, person) == again


def _key() -> SubjectKey:
    return SubjectKey(Subject(uuid4(), uuid4()), b"wrapped")


def _hash() -> str:
    return uuid4().hex * 2
