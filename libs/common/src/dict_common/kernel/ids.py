"""Identifiers. New ids are UUIDv7 (they sort by time); any UUID version is accepted from others."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid5

import uuid_utils

from dict_common.kernel.errors import InputRefused

IdSource = Callable[[], UUID]
"""Makes a fresh id: `new_id` in a process, Temporal's in a workflow, a counter in a test."""

_REJECTION_NAMESPACE = UUID("6f7e6d2c-3f0f-5d5c-9a55-2b1c7d9e0a11")


def new_id() -> UUID:
    """A UUIDv7 from the system's clock and randomness."""
    return UUID(int=uuid_utils.uuid7().int)


def time_of(id_: UUID) -> datetime | None:
    """The instant in a UUIDv7, to the millisecond; None for another version."""
    if id_.version != 7:
        return None
    try:
        return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)
    except (ValueError, OverflowError):
        return None


def parse_id(text: str, field: str) -> UUID:
    """The UUID in `text`. Raises InputRefused naming `field` if there is none."""
    try:
        return UUID(text)
    except ValueError:
        raise InputRefused("id-invalid", f"{field} must be a UUID such as Core made it") from None


def rejection_id(consumer: str, command_id: UUID, fingerprint: bytes) -> UUID:
    """The aggregate id of a rejected command: UUIDv5 of its inbox key, so a repeat is the same."""
    return uuid5(_REJECTION_NAMESPACE, f"{consumer}\n{command_id}\n{fingerprint.hex()}")


def derived_id(parent: UUID, name: str) -> UUID:
    """An id that follows from another and a name: a repeated step makes the same one."""
    return uuid5(parent, name)
