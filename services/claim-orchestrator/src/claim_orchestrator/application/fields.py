"""Reads the fields that only a claim's commands have; each complaint names the field."""

from datetime import datetime
from uuid import UUID

from dict_common.kernel.errors import InputRefused
from dict_common.kernel.fields import Record

EARLIEST, LATEST = 1900, 2200


def instant(record: Record, field: str) -> datetime:
    """A time. Raises InputRefused."""
    value = record.get(field)
    if not isinstance(value, datetime):
        raise InputRefused("field-missing", f"{field} must be a time")
    return sane(value, field)


def sane(value: datetime, field: str) -> datetime:
    """A time with a zone, in a year that every clock and database of ours can work with.

    Raises InputRefused.
    """
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
