"""What operators ask of claims, and the command they publish as Core would."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from claim_orchestrator.application.ports import KeptClaim
from claim_orchestrator.domain.claim import ClaimType
from dict_common.kernel.clock import from_rfc3339
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.pix_key import KeyType

Row = dict[str, Any]

CREATE = "claim.create"
DECIDE = "claim.decide"


class ClaimReader(Protocol):
    """Reads as `operator_ro`. Raises Unavailable."""

    async def newest(
        self, status: str | None, held: bool, after: UUID | None, limit: int
    ) -> list[Row]:
        """The newest claims first; `held`: only those with an error that waits for somebody.

        `after`: those that follow that claim of ours, for the next page.
        """

    async def find(self, claim_id: UUID) -> list[Row]:
        """The claim by our id or DICT's, one row for each of our roles."""

    async def timeline(self, claim_id: UUID) -> list[Row]:
        """Its events as audit has them, by sequence; refused commands; what operators did."""

    async def bridge_calls(self, claim_id: UUID) -> list[Row]:
        """Calls to the Bridge about it, oldest first; what was said stays sealed."""

    async def load(self, claim_id: UUID) -> KeptClaim:
        """The claim as its processes know it. Raises ClaimUnknown."""


@dataclass(frozen=True)
class DraftField:
    """A field of the file that `claim create --file` takes."""

    name: str
    example: str
    needed: bool = True
    time: bool = False


DRAFT = (
    DraftField("participant", "12345678"),
    DraftField("type", ClaimType.PORTABILITY),
    DraftField("key_type", KeyType.PHONE),
    DraftField("key", "+5561988880000"),
    DraftField("account_branch", "0001", needed=False),
    DraftField("account_number", "0007654321"),
    DraftField("account_type", "CACC"),
    DraftField("account_opening_date", "2020-01-01T00:00:00Z", time=True),
    DraftField("claimer_type", "NATURAL_PERSON"),
    DraftField("claimer_tax_id", "11122233300"),
    DraftField("claimer_name", "João Silva"),
    DraftField("claimer_trade_name", "", needed=False),
    DraftField("owner_ispb", "", needed=False),
    DraftField("entry_id", "", needed=False),
    DraftField("requested_at", "", needed=False, time=True),
    DraftField("requested_by", "", needed=False),
)
"""Values of Bacen's own example (bacen-dict 3.2, vector B)."""


def template() -> dict[str, str]:
    """A file to start from; empty means absent."""
    return {field.name: field.example for field in DRAFT}


def record_of(draft: Mapping[str, object], claim_id: UUID, now: datetime) -> dict[str, object]:
    """The body of `claim.create`; `requested_at` is now unless the draft says when.

    Raises InputRefused for a field unknown, missing or no time.
    """
    unknown = sorted(set(draft) - {field.name for field in DRAFT})
    if unknown:
        raise InputRefused("field-unknown", f"{', '.join(unknown)}: see `claim create --template`")
    record: dict[str, object] = {"claim_id": str(claim_id)}
    for field in DRAFT:
        text = str(draft.get(field.name) or "")
        if not text and field.needed:
            raise InputRefused("field-missing", f"{field.name}: see `claim create --template`")
        record[field.name] = _instant(field.name, text) if field.time and text else text or None
    record["requested_at"] = record["requested_at"] or now
    return record


def _instant(name: str, text: str) -> datetime:
    instant = from_rfc3339(text)
    if instant is None:
        raise InputRefused("field-invalid", f"{name} must be RFC 3339 with a zone")
    return instant
