"""Sealing at rest: updatable tables and dead letters, and keyed hashes to look rows up by."""

import tink
from tink import aead, prf

from dict_common.secrecy.errors import TINK_ERRORS, CiphertextInvalid

HASH_BYTES = 32


class TinkRestSealer:
    """RestSealer over the keysets `rest` and `prf`. Never blocks."""

    def __init__(self, rest: tink.KeysetHandle, hashes: tink.KeysetHandle) -> None:
        self._aead = rest.primitive(aead.Aead)
        self._prfs = hashes.primitive(prf.PrfSet)

    def seal(self, context: str, plaintext: bytes) -> bytes:
        """Ciphertext bound to the context."""
        return bytes(self._aead.encrypt(plaintext, context.encode()))

    def open(self, context: str, ciphertext: bytes) -> bytes:
        """The plaintext. Raises CiphertextInvalid."""
        try:
            return bytes(self._aead.decrypt(ciphertext, context.encode()))
        except TINK_ERRORS:
            raise CiphertextInvalid(context) from None

    def look_up_hash(self, text: str) -> str:
        """64 hex digits under the primary key."""
        return bytes(self._prfs.primary().compute(text.encode(), HASH_BYTES)).hex()

    def look_up_hashes(self, text: str) -> tuple[str, ...]:
        """The same under every key, primary first."""
        first = self.look_up_hash(text)
        others = (
            bytes(function.compute(text.encode(), HASH_BYTES)).hex()
            for function in self._prfs.all().values()
        )
        return (first, *(other for other in others if other != first))

    def fingerprints(self, content: bytes) -> tuple[bytes, ...]:
        """Key id (4 bytes, big-endian) and PRF of the content, for every key, primary first.

        A message seen before a rotation is still recognised after it.
        """
        primary = self._prfs.primary_id()
        ordered = sorted(self._prfs.all().items(), key=lambda item: item[0] != primary)
        return tuple(
            key_id.to_bytes(4, "big") + bytes(function.compute(content, HASH_BYTES))
            for key_id, function in ordered
        )
