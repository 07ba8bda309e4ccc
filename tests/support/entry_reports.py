"""`entry.report` as Core publishes it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from devstack.cast import CLAIMER
from tests.support.core import ACCOUNT, KEY, NAME, TAX_ID

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
SEALED = ("key", "tax_id", "name", "trade_name", "branch", "account_number", "request_id")


def created(entry_id: UUID, **changes: object) -> dict[str, Any]:
    """A key that DICT has taken, under a RequestId of its own."""
    return {
        "entry_id": str(entry_id),
        "operation": "CREATED",
        "version": 1,
        "dict_time": NOON,
        "participant": CLAIMER,
        "key_type": "PHONE",
        "key": KEY,
        "tax_id": TAX_ID,
        "name": NAME,
        "trade_name": None,
        "branch": "0001",
        "account_number": ACCOUNT,
        "account_type": "CACC",
        "request_id": str(uuid4()),
    } | changes


def deleted(report: dict[str, Any], version: int) -> dict[str, Any]:
    """The same entry, which DICT has no more."""
    nothing = dict.fromkeys((*SEALED, "account_type"))
    return report | nothing | {"operation": "DELETED", "version": version}
