"""The command `claim.create`: its record and what makes it valid."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from claim_orchestrator.domain.claim import ClaimType, require_claimable
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.fields import bounded, instant, member, optional, text
from dict_common.kernel.ids import parse_id
from dict_common.kernel.participant import ispb
from dict_common.kernel.pix_key import KeyType, PixKey

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


def create_claim(record: Mapping[str, object], own_participants: frozenset[str]) -> CreateClaim:
    """The command in `record`. Raises InputRefused with the rule that it breaks.

    `own_participants`: ISPBs that this installation speaks for, direct and indirect.
    """
    claim_type = member(ClaimType, record, "type")
    key_type = member(KeyType, record, "key_type")
    require_claimable(claim_type, key_type)
    participant = ispb(text(record, "participant"), "participant")
    if participant not in own_participants:
        raise InputRefused(
            "participant-unknown",
            f"{participant} is none of ours: add it to CLAIM_ORCHESTRATOR_PARTICIPANTS, "
            "or publish to its own installation",
        )
    owner, entry_id = optional(record, "owner_ispb"), optional(record, "entry_id")
    return CreateClaim(
        claim_id=parse_id(text(record, "claim_id"), "claim_id"),
        participant=participant,
        type=claim_type,
        key=PixKey(key_type, text(record, "key")),
        account_branch=_branch(optional(record, "account_branch")),
        account_number=bounded(record, "account_number", ACCOUNT_NUMBER_CHARACTERS_MAX),
        account_type=member(AccountType, record, "account_type"),
        account_opening_date=instant(record, "account_opening_date"),
        claimer_type=member(PersonType, record, "claimer_type"),
        claimer_tax_id=_tax_id(text(record, "claimer_tax_id")),
        claimer_name=bounded(record, "claimer_name", NAME_CHARACTERS_MAX),
        claimer_trade_name=_trade_name(record),
        owner_ispb=None if owner is None else ispb(owner, "owner_ispb"),
        entry_id=None if entry_id is None else parse_id(entry_id, "entry_id"),
        requested_at=instant(record, "requested_at"),
        requested_by=optional(record, "requested_by"),
    )


def _trade_name(record: Mapping[str, object]) -> str | None:
    value = optional(record, "claimer_trade_name")
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
