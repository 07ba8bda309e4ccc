"""The command `claim.create`: its record and what makes it valid."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from claim_orchestrator.domain.claim import ClaimType, require_claimable, require_supported
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.ids import parse_id
from dict_common.kernel.participant import ispb
from dict_common.kernel.pix_key import KeyType, PixKey

_Enum = TypeVar("_Enum", bound=StrEnum)

NAME_CHARACTERS_MAX = 150
TRADE_NAME_CHARACTERS_MAX = 100
ACCOUNT_NUMBER_CHARACTERS_MAX = 20


class AccountType(StrEnum):
    """Bacen's account types."""

    CACC = "CACC"
    TRAN = "TRAN"
    SLRY = "SLRY"
    SVGS = "SVGS"
    OTHR = "OTHR"


class PersonType(StrEnum):
    """Bacen's owner types."""

    NATURAL_PERSON = "NATURAL_PERSON"
    LEGAL_PERSON = "LEGAL_PERSON"


@dataclass(frozen=True)
class CreateClaim:
    """A valid `claim.create`, personal data in clear (left out of `repr`)."""

    claim_id: UUID
    participant: str
    type: ClaimType
    key: PixKey
    account_branch: str | None
    account_number: str
    account_type: AccountType
    account_opening_date: datetime
    claimer_type: PersonType
    claimer_tax_id: str
    claimer_name: str
    claimer_trade_name: str | None
    owner_ispb: str | None
    entry_id: UUID | None
    requested_at: datetime
    requested_by: str | None

    def __repr__(self) -> str:
        return f"CreateClaim({self.claim_id})"


def claim_id_of(record: Mapping[str, object]) -> str:
    """The claim that a record speaks of, for a rejection; empty if what stands there is no UUID.

    A rejection is kept for ever and in clear: free text of a sender may hold anything.
    """
    try:
        return str(UUID(str(record.get("claim_id"))))
    except ValueError:
        return ""


def create_claim(record: Mapping[str, object], own_participants: frozenset[str]) -> CreateClaim:
    """The command in `record`. Raises InputRefused with the rule that it breaks.

    `own_participants`: ISPBs that this installation speaks for, direct and indirect.
    """
    claim_type = _member(ClaimType, record, "type")
    key_type = _member(KeyType, record, "key_type")
    require_claimable(claim_type, key_type)
    require_supported(claim_type)
    participant = ispb(_text(record, "participant"), "participant")
    if participant not in own_participants:
        raise InputRefused(
            "participant-unknown",
            f"{participant} is none of ours: add it to CLAIM_ORCHESTRATOR_PARTICIPANTS, "
            "or publish to its own installation",
        )
    owner, entry_id = _optional(record, "owner_ispb"), _optional(record, "entry_id")
    return CreateClaim(
        claim_id=parse_id(_text(record, "claim_id"), "claim_id"),
        participant=participant,
        type=claim_type,
        key=PixKey(key_type, _text(record, "key")),
        account_branch=_branch(_optional(record, "account_branch")),
        account_number=_bounded(record, "account_number", ACCOUNT_NUMBER_CHARACTERS_MAX),
        account_type=_member(AccountType, record, "account_type"),
        account_opening_date=_instant(record, "account_opening_date"),
        claimer_type=_member(PersonType, record, "claimer_type"),
        claimer_tax_id=_tax_id(_text(record, "claimer_tax_id")),
        claimer_name=_bounded(record, "claimer_name", NAME_CHARACTERS_MAX),
        claimer_trade_name=_trade_name(record),
        owner_ispb=None if owner is None else ispb(owner, "owner_ispb"),
        entry_id=None if entry_id is None else parse_id(entry_id, "entry_id"),
        requested_at=_instant(record, "requested_at"),
        requested_by=_optional(record, "requested_by"),
    )


def _text(record: Mapping[str, object], field: str) -> str:
    value = record.get(field)
    if not isinstance(value, str) or not value:
        raise InputRefused("field-missing", f"{field} must not be empty")
    return value


def _optional(record: Mapping[str, object], field: str) -> str | None:
    value = record.get(field)
    return value if isinstance(value, str) and value else None


def _bounded(record: Mapping[str, object], field: str, characters_max: int) -> str:
    value = _text(record, field)
    if len(value) > characters_max:
        raise InputRefused("field-too-long", f"{field} may have {characters_max} characters")
    return value


def _trade_name(record: Mapping[str, object]) -> str | None:
    value = _optional(record, "claimer_trade_name")
    if value is not None and len(value) > TRADE_NAME_CHARACTERS_MAX:
        raise InputRefused(
            "field-too-long", f"claimer_trade_name may have {TRADE_NAME_CHARACTERS_MAX} characters"
        )
    return value


def _branch(value: str | None) -> str | None:
    if value is not None and not (value.isascii() and value.isdigit() and len(value) <= 4):
        raise InputRefused("branch-invalid", "account_branch must be one to four digits")
    return value


def _tax_id(value: str) -> str:
    # Digits for a CPF; a CNPJ may be alphanumeric since DICT 2.12.1.
    cpf = len(value) == 11 and value.isdigit()
    if not (value.isascii() and (cpf or (len(value) == 14 and value.isalnum()))):
        raise InputRefused("tax-id-invalid", "claimer_tax_id must be a CPF (11) or a CNPJ (14)")
    return value


def _member(kind: type[_Enum], record: Mapping[str, object], field: str) -> _Enum:
    try:
        return kind(str(record.get(field)))
    except ValueError:
        raise InputRefused("value-unknown", f"{field} must be one of {', '.join(kind)}") from None


def _instant(record: Mapping[str, object], field: str) -> datetime:
    value = record.get(field)
    if not isinstance(value, datetime):
        raise InputRefused("field-missing", f"{field} must be a time")
    return value
