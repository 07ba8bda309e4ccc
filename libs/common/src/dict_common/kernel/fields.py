"""Reads the fields of a command's record; each complaint names the field."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from dict_common.kernel.errors import InputRefused
from dict_common.kernel.personal import looks_personal

_Enum = TypeVar("_Enum", bound=StrEnum)

EARLIEST, LATEST = 1900, 2200
"""Years that every clock and database of ours can work with."""
_OPAQUE = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9._:-]{1,100}")

Record = Mapping[str, object]


def text(record: Record, field: str) -> str:
    """A text that is there. Raises InputRefused."""
    value = record.get(field)
    if not isinstance(value, str) or not value:
        raise InputRefused("field-missing", f"{field} must not be empty")
    return value


def optional(record: Record, field: str) -> str | None:
    """A text, None for an absent or empty one."""
    value = record.get(field)
    return value if isinstance(value, str) and value else None


def bounded(record: Record, field: str, characters_max: int) -> str:
    """A text of at most so many characters. Raises InputRefused."""
    value = text(record, field)
    if len(value) > characters_max:
        raise InputRefused("field-too-long", f"{field} may have {characters_max} characters")
    return value


def opaque(record: Record, field: str) -> str:
    """An id that means something to its sender alone: no e-mail, no bare number.

    It is kept for ever and in clear. Raises InputRefused.
    """
    value = text(record, field)
    if not _OPAQUE.fullmatch(value) or looks_personal(value):
        raise InputRefused(
            "field-invalid",
            f"{field} must be an opaque id of letters, digits, . _ : - with a letter in it, "
            "at most 100 characters: never a name, tax id, phone or e-mail",
        )
    return value


def member(kind: type[_Enum], record: Record, field: str) -> _Enum:
    """A value of an enumeration. Raises InputRefused that names all values."""
    try:
        return kind(str(record.get(field)))
    except ValueError:
        raise InputRefused("value-unknown", f"{field} must be one of {', '.join(kind)}") from None


def instant(record: Record, field: str) -> datetime:
    """A time. Raises InputRefused."""
    value = record.get(field)
    if not isinstance(value, datetime):
        raise InputRefused("field-missing", f"{field} must be a time")
    return sane(value, field)


def sane(value: datetime, field: str) -> datetime:
    """A time with a zone, in a sane year. Raises InputRefused."""
    if value.tzinfo is None or not EARLIEST <= value.year <= LATEST:
        raise InputRefused(
            "field-invalid",
            f"{field} must be a time with a zone, in the years {EARLIEST} to {LATEST}",
        )
    return value


def id_or_nothing(record: Record, field: str) -> str:
    """What a record speaks of, for a rejection; empty if what stands there is no UUID.

    A rejection is kept for ever and in clear: free text of a sender may hold anything.
    """
    try:
        return str(UUID(str(record.get(field))))
    except ValueError:
        return ""
