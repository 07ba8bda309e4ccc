"""Sealing between Core and us: Tink hybrid encryption, HPKE with X25519 and AES-256-GCM.

The context of every field is its full Avro name, `<record full name>.<field>`, in UTF-8: a
ciphertext moved to another field does not open.
"""

from collections.abc import Mapping

import tink
from tink import hybrid

from dict_common.secrecy.errors import TINK_ERRORS, CiphertextInvalid


class HybridSealer:
    """Seals to a public keyset. Never blocks."""

    def __init__(self, keyset: tink.KeysetHandle) -> None:
        self._primitive = keyset.primitive(hybrid.HybridEncrypt)

    def seal(self, context: str, plaintext: str) -> bytes:
        """Ciphertext that only the holder of the private keyset opens."""
        return bytes(self._primitive.encrypt(plaintext.encode(), context.encode()))

    def seal_fields(
        self, record_name: str, record: Mapping[str, object], fields: Mapping[str, str]
    ) -> dict[str, object]:
        """The record with `fields` (name to anything) sealed; absent values stay absent."""
        return {
            name: self.seal(f"{record_name}.{name}", value)
            if name in fields and isinstance(value, str)
            else value
            for name, value in record.items()
        }


class HybridOpener:
    """Opens what was sealed to our public keyset. Never blocks."""

    def __init__(self, keyset: tink.KeysetHandle) -> None:
        self._primitive = keyset.primitive(hybrid.HybridDecrypt)

    def open(self, context: str, ciphertext: bytes) -> str:
        """The text. Raises CiphertextInvalid."""
        try:
            return bytes(self._primitive.decrypt(ciphertext, context.encode())).decode()
        except (*TINK_ERRORS, UnicodeDecodeError):
            raise CiphertextInvalid(context) from None

    async def open_fields(
        self, record_name: str, record: Mapping[str, object], fields: Mapping[str, str]
    ) -> dict[str, object]:
        """The record with `fields` in clear. Raises CiphertextInvalid naming the field."""
        return {
            name: self.open(f"{record_name}.{name}", value)
            if name in fields and isinstance(value, bytes)
            else value
            for name, value in record.items()
        }
