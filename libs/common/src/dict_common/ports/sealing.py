"""Ports to secrecy: use cases seal and look up, and never see a key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class Subject:
    """A person or company, known by a random id. `key_id` names the data key in use."""

    subject_id: UUID
    key_id: UUID


@dataclass(frozen=True)
class SubjectKey:
    """A row of connect.subject_keys: the data key wrapped by the KEK, None once destroyed."""

    subject: Subject
    wrapped_dek: bytes | None


@dataclass(frozen=True)
class Person:
    """Somebody met among many: the keyed hashes of the tax id, primary first, and a key that was
    made for the case that nobody has met the person before."""

    tax_id_hashes: tuple[str, ...]
    fresh: SubjectKey


class SubjectKeyStore(Protocol):
    """connect.subject_keys. Blocks for the database; raises Unavailable when it is away."""

    async def find_by_tax_id_hash(self, tax_id_hashes: tuple[str, ...]) -> SubjectKey | None:
        """The living key of a tax id, looked up by its keyed hash (one for each PRF key)."""

    async def find_by_subject(self, subject_id: UUID) -> SubjectKey | None:
        """The newest key of a subject, destroyed or not."""

    async def find_by_key(self, key_id: UUID) -> SubjectKey | None:
        """The key that a ciphertext names."""

    async def insert(self, key: SubjectKey, tax_id_hash: str) -> SubjectKey:
        """Adds a key, or answers the one that another process added first."""

    async def subjects_of(self, persons: Sequence[Person]) -> list[UUID]:
        """The subject of each, in their order; who was not met before gets the fresh key. However
        many they are, it takes some statements. A person may be named twice."""


class SubjectSealer(Protocol):
    """Seals what can never be deleted, with the subject's own data key."""

    async def subject_of(self, tax_id: str) -> Subject:
        """The subject of a CPF or CNPJ; one is made for a tax id not met before."""

    async def seal(self, subject_id: UUID, context: str, plaintext: str) -> bytes:
        """Ciphertext for the field `context` (`<record full name>.<field>`).

        Raises SubjectErased when the key was destroyed.
        """


class FieldOpener(Protocol):
    """Opens the personal fields of a message."""

    async def open_fields(
        self, record_name: str, record: Mapping[str, object], fields: Mapping[str, str]
    ) -> dict[str, object]:
        """The record with `fields` (name to anything) in clear.

        Raises Undeliverable naming the field that does not open, Unavailable.
        """


class RestSealer(Protocol):
    """Seals what stands in updatable tables and dead letters. Never blocks."""

    def seal(self, context: str, plaintext: bytes) -> bytes:
        """Ciphertext bound to `context`, a table and column such as `workflows.x.key`."""

    def open(self, context: str, ciphertext: bytes) -> bytes:
        """The plaintext. Raises CiphertextInvalid."""

    def look_up_hash(self, text: str) -> str:
        """64 hex digits of a PRF over the text under the primary key."""

    def look_up_hashes(self, text: str) -> tuple[str, ...]:
        """The same under every key in use, primary first: old rows are still found."""
