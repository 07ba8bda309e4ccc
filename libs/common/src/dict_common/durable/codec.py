"""Temporal payloads are sealed before they leave the process: keyset `temporal-codec`, Tink AEAD.

Sealed are arguments, results, signals, updates, memos, summaries and failure details; with
`DefaultFailureConverterWithEncodedAttributes` also messages and stack traces. Never sealed by
Temporal, hence never personal: workflow ids, type names, search attributes.
"""

from collections.abc import Sequence

import tink
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec
from tink import aead

from dict_common.kernel.errors import ConfigurationInvalid
from dict_common.secrecy.errors import TINK_ERRORS

ENCODING = b"binary/dict-sealed"


class SealingCodec(PayloadCodec):
    """Seals whole payloads, bound to the namespace. Never blocks."""

    def __init__(self, keyset: tink.KeysetHandle, namespace: str) -> None:
        super().__init__()
        self._aead = keyset.primitive(aead.Aead)
        self._associated = namespace.encode()

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Sealed payloads, one for each."""
        return [
            Payload(
                metadata={"encoding": ENCODING},
                data=bytes(self._aead.encrypt(payload.SerializeToString(), self._associated)),
            )
            for payload in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Opened payloads; one that was never sealed passes (a signal typed by an operator)."""
        return [self._opened(payload) for payload in payloads]

    def _opened(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        try:
            plain = self._aead.decrypt(payload.data, self._associated)
        except TINK_ERRORS:
            raise ConfigurationInvalid(
                "temporal-codec-key-missing",
                "a payload was sealed with a key that temporal-codec.json does not hold: "
                "keep old keys in the keyset until the retention of the namespace has passed",
            ) from None
        return Payload.FromString(bytes(plain))
