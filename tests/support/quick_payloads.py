"""The SDK's JSON payloads, byte for byte, at a fraction of its time: for simulations only.

The SDK copies a record deeply to write it and looks at its hints anew to read it. Here both are
compiled once for each type; `tests/workflow/test_quick_payloads.py` compares every payload of a
simulation with what the SDK makes of it.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    CompositePayloadConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
)

Read = Callable[[Any], Any]

_METADATA = {"encoding": b"json/plain"}
_TO_TEXT: dict[type, Callable[[Any], str]] = {datetime: datetime.isoformat, UUID: str}
_uuid = cache(UUID)


class QuickJson(JSONPlainPayloadConverter):
    """json/plain: records, instants and ids as the SDK writes and reads them."""

    def to_payload(self, value: Any) -> Payload | None:
        """As the SDK."""
        text = json.dumps(value, default=_plain, separators=(",", ":"), sort_keys=True)
        return Payload(metadata=_METADATA, data=text.encode())

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """As the SDK."""
        plain = json.loads(payload.data)
        return plain if type_hint is None else _reader(type_hint)(plain)


class QuickPayloads(CompositePayloadConverter):
    """The SDK's default set, with json/plain of ours."""

    def __init__(self) -> None:
        ours = QuickJson()
        default = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(ours if it.encoding == ours.encoding else it for it in default))


def _plain(value: Any) -> Any:
    to_text = _TO_TEXT.get(type(value))
    if to_text is not None:
        return to_text(value)
    kind: Any = type(value)
    return {name: getattr(value, name) for name in _names(kind)}


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@cache
def _reader(hint: Any) -> Read:
    """Compiled once a type. Raises TypeError for a type that no record here has."""
    if hint is Any or hint in (str, int, bool, type(None)) or _is_text(hint):
        return hint if _is_text(hint) else _as_it_is
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


def _is_text(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, str) and hint is not str


def _record_reader(kind: type) -> Read:
    reads = [(name, _reader(hint)) for name, hint in get_type_hints(kind).items()]
    changed = [(name, read) for name, read in reads if read is not _as_it_is]
    names = {name for name, _ in reads}

    def read_record(plain: dict[str, Any]) -> Any:
        for name, read in changed:
            if name in plain:
                plain[name] = read(plain[name])
        if not names.issuperset(plain):
            plain = {name: value for name, value in plain.items() if name in names}
        return kind(**plain)

    return read_record


def _optional_reader(hint: Any) -> Read:
    (one,) = [it for it in get_args(hint) if it is not type(None)]
    read = _reader(one)
    if read is _as_it_is:
        return _as_it_is
    return lambda plain: None if plain is None else read(plain)
