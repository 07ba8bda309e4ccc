"""What DICT keeps: entries and claims, with Bacen's names in snake_case and its values as text."""

from dataclasses import dataclass
from datetime import datetime

OPEN = "OPEN"
WAITING_RESOLUTION = "WAITING_RESOLUTION"
CONFIRMED = "CONFIRMED"
COMPLETED = "COMPLETED"
CANCELLED = "CANCELLED"

PORTABILITY = "PORTABILITY"
OWNERSHIP = "OWNERSHIP"

DONOR = "DONOR"
CLAIMER = "CLAIMER"


@dataclass(frozen=True)
class Account:
    """Where the money goes; `opening_date` None only in a request that will be refused."""

    participant: str
    branch: str | None
    account_number: str
    account_type: str
    opening_date: datetime | None


@dataclass(frozen=True)
class Owner:
    """A natural or legal person."""

    type: str
    tax_id_number: str
    name: str
    trade_name: str | None


@dataclass(frozen=True)
class Entry:
    """A key that works. `request_id` is the CID's secret, `cid` 64 hexadecimal digits."""

    key: str
    key_type: str
    account: Account
    owner: Owner
    creation_date: datetime
    key_ownership_date: datetime
    request_id: str
    cid: str


@dataclass(frozen=True)
class EntryOrder:
    """An entry as a participant asks for it; the key is empty for EVP."""

    key: str
    key_type: str
    account: Account
    owner: Owner


@dataclass(frozen=True)
class ClaimOrder:
    """A claim as the claimer's participant asks for it."""

    type: str
    key: str
    key_type: str
    claimer_account: Account
    claimer: Owner


@dataclass(frozen=True)
class Claim:
    """A claim as DICT keeps it. The last three are DICT's own and never shown."""

    id: str
    type: str
    key: str
    key_type: str
    claimer_account: Account
    claimer: Owner
    donor_participant: str
    status: str
    resolution_period_end: datetime
    completion_period_end: datetime | None
    last_modified: datetime
    confirm_reason: str | None = None
    cancel_reason: str | None = None
    cancelled_by: str | None = None
    entry_creation_date: datetime | None = None
    key_ownership_date: datetime | None = None
    creation_time: datetime | None = None
    donor_key_ownership_date: datetime | None = None
    request_id: str | None = None

    @property
    def claimer_participant(self) -> str:
        """ISPB of the claiming side."""
        return self.claimer_account.participant

    @property
    def is_open(self) -> bool:
        """The key is locked, also by a status that nobody knows."""
        return self.status not in (COMPLETED, CANCELLED)
