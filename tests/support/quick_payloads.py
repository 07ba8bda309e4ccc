"""The SDK's JSON payloads, byte for byte, at a fraction of its time: for simulations only.

The SDK copies a record deeply to write it and looks at its hints anew to read it. Here both are
compiled once for each type; `tests/workflow/test_quick_payloads.py` compares every payload of a
simulation with what the SDK makes of it.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum
from functools import cache, lru_cache
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadConverter

Read = Callable[[Any], Any]

_NULL = Payload(metadata={"encoding": b"binary/null"})
_METADATA = {"encoding": b"json/plain"}
_uuid = lru_cache(4096)(UUID)
_uuid_text = lru_cache(4096)(lambda number: str(UUID(int=number)))
_TO_TEXT: dict[type, Callable[[Any], str]] = {
    datetime: datetime.isoformat,
    UUID: lambda value: _uuid_text(value.int),
}


class QuickPayloads(PayloadConverter):
    """The SDK's default set, without bytes and protobuf: nothing here has any."""

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """As the SDK."""
        return [self.to_payload(value) for value in values]

    def from_payloads(
        self, payloads: Sequence[Payload], type_hints: list[type] | None = None
    ) -> list[Any]:
        """As the SDK."""
        if not type_hints:
            return [self.from_payload(payload) for payload in payloads]
        return [self.from_payload(*it) for it in zip(payloads, type_hints, strict=True)]

    def to_payload(self, value: Any) -> Payload:
        """As the SDK."""
        if value is None:
            return _NULL
        return Payload(metadata=_METADATA, data="".join(_write(value, 0)).encode())

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """As the SDK."""
        if not payload.data:
            return None
        plain, _ = _read(payload.data.decode())
        return plain if type_hint is None else _reader(type_hint)(plain)


def _plain(value: Any) -> Any:
    kind: Any = type(value)
    to_text = _TO_TEXT.get(kind)
    if to_text is not None:
        return to_text(value)
    values = vars(value)
    if values.keys() == _names(kind):
        return values
    raise TypeError(f"teach quick_payloads to write {kind}")


_read = json.JSONDecoder().raw_decode
# What json.dumps makes anew for each value: compact, sorted keys, not looking for circles.
_write = json.encoder.c_make_encoder(  # type: ignore[attr-defined]
    None, _plain, json.encoder.encode_basestring_ascii, None, ":", ",", True, False, True
)


@cache
def _names(kind: Any) -> frozenset[str]:
    return frozenset(field.name for field in dataclasses.fields(kind))


@cache
def _reader(hint: Any) -> Read:
    """Compiled once a type. Raises TypeError for a type that no record here has."""
    if hint is Any or hint in (str, int, float, bool, type(None)) or _is_enum(hint):
        return hint if _is_enum(hint) else _as_it_is
    if hint is datetime:
        return datetime.fromisoformat
    if hint is UUID:
        return _uuid
    if dataclasses.is_dataclass(hint):
        return _record_reader(typing.cast("type", hint))
    if get_origin(hint) in (typing.Union, types.UnionType):
        return _optional_reader(hint)
    if get_origin(hint) is list:
        (item,) = get_args(hint)
        read = _reader(item)
        return lambda plain: [read(it) for it in plain]
    raise TypeError(f"teach quick_payloads to read {hint}")


def _as_it_is(plain: Any) -> Any:
    return plain


def _is_enum(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Enum)


def _record_reader(kind: type) -> Read:
    reads = [(name, _reader(hint)) for name, hint in get_type_hints(kind).items()]
    changed = [(name, read) for name, read in reads if read is not _as_it_is]
    names = {name for name, _ in reads}
    bare = not hasattr(kind, "__post_init__")

    def read_record(plain: dict[str, Any]) -> Any:
        for name, read in changed:
            if name in plain:
                plain[name] = read(plain[name])
        if bare and plain.keys() == names:  # what a frozen record's slow __init__ comes to
            record: Any = object.__new__(kind)
            vars(record).update(plain)
            return record
        return kind(**{name: value for name, value in plain.items() if name in names})

    return read_record


def _optional_reader(hint: Any) -> Read:
    (one,) = [it for it in get_args(hint) if it is not type(None)]
    read = _reader(one)
    if read is _as_it_is:
        return _as_it_is
    return lambda plain: None if plain is None else read(plain)
