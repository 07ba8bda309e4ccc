"""Speed, and nothing else: what a cache holds may be gone at any moment, and nothing is lost.

A port of seed 002's Redis: get, set, set if absent, delete, refresh, and an envelope for answers
that were an error. The server's trouble never reaches a caller: a read misses, a write says False.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Protocol, Self
from uuid import UUID

NAMESPACES = frozenset({"dict", "workflow", "bridge"})
WORDS = frozenset({"claim", "vsync", "otp", "status", "latest", "response"})
"""Entities, fields and fixed ids. A new word is added here, where somebody looks at it."""
TTL_SECONDS_MAX = 86_400.0
VALUE_BYTES_MAX = 64 * 1024

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ISPB = r"[0-9A-Za-z]{8}"
_STEP = r"[A-Za-z_]{1,16}|\d{4}-\d{2}-\d{2}|\d{1,4}"
_WORKFLOW = rf"(?:claim|vsync|otp)-(?:{_UUID}|{_ISPB})(?:-(?:{_STEP})){{0,4}}"
_ID = re.compile(rf"{_UUID}|{_ISPB}|{_WORKFLOW}")
_HASH = re.compile(r"[0-9a-f]{64}")
_HASH_HEAD = "dict:hash:"


@dataclass(frozen=True)
class CacheKey:
    """`{namespace}:{entity}:{id}:{field}` or `dict:hash:{digest}`; nothing else can be a key.

    Its parts are fixed words and ids of ours, so that no Pix key, CPF, phone or e-mail can be one
    by mistake. An EVP is a UUID and cannot be told from our ids: do not pass one.
    """

    text: str

    def __post_init__(self) -> None:
        """Raises ValueError, without the text: what is refused may be personal."""
        if not _is_key(self.text):
            raise ValueError(
                "not a cache key: build it with CacheKey.of from words of dict_common.ports.cache "
                "and a UUID, an ISPB or a workflow id of ours, or with CacheKey.of_hash"
            )

    @classmethod
    def of(cls, namespace: str, entity: str, identifier: UUID | str, field: str = "") -> Self:
        """`dict:claim:{claim_id}:status`; without field `workflow:vsync:latest`.

        `identifier` is a UUID, an ISPB, a workflow id or one of WORDS. Raises ValueError.
        """
        parts = (namespace, entity, str(identifier), *((field,) if field else ()))
        return cls(":".join(parts))

    @classmethod
    def of_hash(cls, digest: str) -> Self:
        """`dict:hash:{digest}`: 64 hex digits, SHA-256 of a request's ids or a PRF's output.

        Never a bare hash of a Pix key or a CPF: there are so few that it is looked up. Raises
        ValueError.
        """
        return cls(f"{_HASH_HEAD}{digest}")


class Cache(Protocol):
    """Bytes under keys, for a while. No call raises for trouble of the server, or waits for long.

    Raises for a caller's mistake only: TypeError for a key that is no CacheKey, ValueError for a
    life that is not within 0 … TTL_SECONDS_MAX. A value that is too large (VALUE_BYTES_MAX), or
    holds what looks like a CPF, CNPJ, phone or e-mail, is not stored: the answer is False.
    """

    async def get(self, key: CacheKey) -> bytes | None:
        """The value; None when there is none, or nobody could say."""

    async def set(self, key: CacheKey, value: bytes, ttl_seconds: float) -> bool:
        """Whether it was stored."""

    async def set_if_absent(self, key: CacheKey, value: bytes, ttl_seconds: float) -> bool:
        """Whether it was stored now; False too when nobody could say: no lock can rest on it."""

    async def delete(self, key: CacheKey) -> bool:
        """Whether there was one and it is gone; after False an old value may live out its life."""

    async def refresh_ttl(self, key: CacheKey, ttl_seconds: float) -> bool:
        """Whether there is one and it now lives `ttl_seconds` from here."""


@dataclass(frozen=True)
class CachedResponse:
    """An answer worth remembering, good or bad. `content` is anything JSON can say."""

    is_error: bool
    content: Any

    def to_bytes(self) -> bytes:
        """`{"is_error": …, "value"|"error": …}`. Raises TypeError, ValueError if JSON cannot."""
        name = "error" if self.is_error else "value"
        document = {"is_error": self.is_error, name: self.content}
        return json.dumps(
            document, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        ).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self | None:
        """None for whatever is no such envelope."""
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            return None
        is_error = document.get("is_error") if isinstance(document, dict) else None
        if not isinstance(is_error, bool):
            return None
        name = "error" if is_error else "value"
        return cls(is_error, document[name]) if name in document else None


async def get_response(cache: Cache, key: CacheKey) -> CachedResponse | None:
    """The remembered answer; a value of somebody else's making is none. Raises as Cache does."""
    data = await cache.get(key)
    return None if data is None else CachedResponse.from_bytes(data)


async def set_response(
    cache: Cache, key: CacheKey, response: CachedResponse, ttl_seconds: float
) -> bool:
    """Whether it was stored. Raises as Cache does, and what CachedResponse.to_bytes raises."""
    return await cache.set(key, response.to_bytes(), ttl_seconds)


def _is_key(text: str) -> bool:
    if text.startswith(_HASH_HEAD):
        return _HASH.fullmatch(text.removeprefix(_HASH_HEAD)) is not None
    namespace, *rest = text.split(":")
    if namespace not in NAMESPACES or len(rest) not in (2, 3):
        return False
    entity, identifier, *field = rest
    return (
        entity in WORDS
        and (identifier in WORDS or _ID.fullmatch(identifier) is not None)
        and all(word in WORDS for word in field)
    )
