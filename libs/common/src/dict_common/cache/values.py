"""What may be put into a cache: checked alike by Redis and by the fake."""

import re

from dict_common.ports.cache import TTL_SECONDS_MAX, VALUE_BYTES_MAX, CacheKey

# Of kernel.personal's shapes, over bytes, and linear in their length: a value may be long.
_PERSONAL_SHAPES = re.compile(
    rb"(?<!\w)(?:\+[1-9]\d{7,14}"  # phone, E.164
    rb"|\d{3}\.\d{3}\.\d{3}-\d{2}|\d{11}"  # CPF
    rb"|\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}|\d{14})(?!\w)"  # CNPJ
    rb"|\w@[A-Za-z0-9-]{1,63}\.[A-Za-z0-9]"  # e-mail
)


def key_text(key: CacheKey) -> str:
    """The key's text. Raises TypeError for whatever the builder did not make."""
    if not isinstance(key, CacheKey):
        raise TypeError("a cache key is a CacheKey: see dict_common.ports.cache")
    return key.text


def is_storable(value: bytes) -> bool:
    """False for what is too large, or looks as if a CPF, CNPJ, phone or e-mail were in it."""
    return len(value) <= VALUE_BYTES_MAX and _PERSONAL_SHAPES.search(value) is None


def life_milliseconds(ttl_seconds: float) -> int:
    """At least 1. Raises ValueError unless 0 < ttl_seconds ≤ TTL_SECONDS_MAX."""
    if not 0 < ttl_seconds <= TTL_SECONDS_MAX:
        raise ValueError(f"a cached value lives more than 0 s and at most {TTL_SECONDS_MAX:.0f} s")
    return max(1, round(ttl_seconds * 1000))
