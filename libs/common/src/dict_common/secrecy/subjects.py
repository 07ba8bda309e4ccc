"""Sealing what can never be deleted: one data key for each subject.

Format, for ever: 0x01 ‖ key_id (16) ‖ nonce (12) ‖ AES-256-GCM ciphertext and tag; associated data
= 0x01 ‖ key_id ‖ UTF-8 `<record full name>.<field>`. Nothing in the associated data changes when a
ciphertext is copied from topic to table. Destroying the data key makes every copy unreadable.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

import tink
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tink import aead

from dict_common.kernel.errors import Unavailable, Undeliverable
from dict_common.kernel.ids import IdSource
from dict_common.ports.sealing import RestSealer, Subject, SubjectKey, SubjectKeyStore
from dict_common.secrecy.errors import TINK_ERRORS, CiphertextInvalid, SubjectErased

VERSION = b"\x01"
NONCE_BYTES = 12
DEK_BYTES = 32
CACHE_SECONDS_MAX = 300.0
"""A destroyed key is out of every process after this."""
CACHE_ENTRIES_MAX = 10_000

_HEADER_BYTES = len(VERSION) + 16


def seal_with(dek: bytes, key_id: UUID, context: str, plaintext: str, nonce: bytes) -> bytes:
    """The format above; `nonce` must be fresh for the key."""
    header = VERSION + key_id.bytes
    sealed = AESGCM(dek).encrypt(nonce, plaintext.encode(), header + context.encode())
    return header + nonce + sealed


def key_id_of(ciphertext: bytes, context: str) -> UUID:
    """The key that sealed it. Raises CiphertextInvalid for another format."""
    if len(ciphertext) < _HEADER_BYTES + NONCE_BYTES + 16 or ciphertext[:1] != VERSION:
        raise CiphertextInvalid(context)
    return UUID(bytes=ciphertext[1:_HEADER_BYTES])


def open_with(dek: bytes, context: str, ciphertext: bytes) -> str:
    """The text. Raises CiphertextInvalid for another key, field or damage."""
    header = VERSION + key_id_of(ciphertext, context).bytes
    nonce = ciphertext[_HEADER_BYTES : _HEADER_BYTES + NONCE_BYTES]
    body = ciphertext[_HEADER_BYTES + NONCE_BYTES :]
    try:
        return AESGCM(dek).decrypt(nonce, body, header + context.encode()).decode()
    except InvalidTag:
        raise CiphertextInvalid(context) from None


def fresh_key(kek: aead.Aead, new_id: IdSource) -> SubjectKey:
    """A subject that nobody has met, with a data key wrapped by the KEK. Never blocks."""
    key_id, subject_id = new_id(), new_id()
    wrapped = bytes(kek.encrypt(os.urandom(DEK_BYTES), key_id.bytes))
    return SubjectKey(Subject(subject_id, key_id), wrapped)


@dataclass(frozen=True)
class _Cached:
    key_id: UUID
    dek: bytes
    until: float


class StoredSubjectSealer:
    """SubjectSealer over connect.subject_keys and the keyset `kek`."""

    def __init__(
        self,
        store: SubjectKeyStore,
        kek: tink.KeysetHandle,
        rest: RestSealer,
        new_id: IdSource,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._kek = kek.primitive(aead.Aead)
        self._rest = rest
        self._new_id = new_id
        self._monotonic = monotonic
        self._cache: dict[UUID, _Cached] = {}

    async def subject_of(self, tax_id: str) -> Subject:
        """The subject of a CPF or CNPJ; one is made for a tax id not met before."""
        hashes = self._rest.look_up_hashes(tax_id)
        found = await self._store.find_by_tax_id_hash(hashes)
        if found is None:
            found = await self._store.insert(fresh_key(self._kek, self._new_id), hashes[0])
        return found.subject

    async def seal(self, subject_id: UUID, context: str, plaintext: str) -> bytes:
        """Ciphertext under the subject's key. Raises SubjectErased."""
        cached = self._cache.get(subject_id)
        if cached is None or cached.until < self._monotonic():
            cached = self._remember(subject_id, await self._store.find_by_subject(subject_id))
        return seal_with(cached.dek, cached.key_id, context, plaintext, os.urandom(NONCE_BYTES))

    async def open(self, context: str, ciphertext: bytes) -> str:
        """The text of a ciphertext. Raises SubjectErased, CiphertextInvalid."""
        key = await self._store.find_by_key(key_id_of(ciphertext, context))
        return open_with(self._unwrap(key), context, ciphertext)

    async def open_fields(
        self, record_name: str, record: Mapping[str, object], fields: Mapping[str, str]
    ) -> dict[str, object]:
        """An event's record in clear. Raises CiphertextInvalid, Unavailable; and Undeliverable
        `subject-erased`: nobody can read it any more."""
        opened = dict(record)
        for name in fields:
            value = record.get(name)
            if isinstance(value, bytes):
                try:
                    opened[name] = await self.open(f"{record_name}.{name}", value)
                except SubjectErased as error:
                    raise Undeliverable(error.reason_code, error.detail) from None
        return opened

    def _remember(self, subject_id: UUID, key: SubjectKey | None) -> _Cached:
        dek = self._unwrap(key)
        if key is None:
            raise SubjectErased
        if len(self._cache) >= CACHE_ENTRIES_MAX:
            self._cache.clear()
        cached = _Cached(key.subject.key_id, dek, self._monotonic() + CACHE_SECONDS_MAX)
        self._cache[subject_id] = cached
        return cached

    def _unwrap(self, key: SubjectKey | None) -> bytes:
        if key is None or key.wrapped_dek is None:
            raise SubjectErased
        try:
            return bytes(self._kek.decrypt(key.wrapped_dek, key.subject.key_id.bytes))
        except TINK_ERRORS:
            # No message is at fault: the keyset lacks a key, and waits for an operator.
            raise Unavailable("kek-key-missing", "kek.json lacks the key of a subject") from None
