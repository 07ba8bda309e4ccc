"""A DICT in memory whose clock stands still until a test moves it."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from bridge_simulator.cid_files import CidFiles
from bridge_simulator.claim_operations import ClaimOperations
from bridge_simulator.directory import Directory
from bridge_simulator.entry_operations import EntryOperations
from bridge_simulator.generated_cids import build
from bridge_simulator.generated_set import GeneratedSet
from bridge_simulator.ledger import Call, Operation, operations
from bridge_simulator.periods import Periods
from bridge_simulator.problems import DictProblem
from bridge_simulator.reconciliation import Reconciliation
from bridge_simulator.records import Account, Claim, ClaimOrder, Entry, EntryOrder, Owner
from bridge_simulator.set_operations import SetOperations
from bridge_simulator.store import IN_MEMORY, Store

START = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)
CLAIMER_ISPB = "12345678"
DONOR_ISPB = "87654321"
STRANGER_ISPB = "11111111"
PHONE = "+5561988880000"
JOAO = Owner("NATURAL_PERSON", "11122233300", "João Silva", None)
MARIA = Owner("NATURAL_PERSON", "99988877766", "Maria Souza", None)
COMPANY = Owner("LEGAL_PERSON", "11222333000181", "Empresa Exemplo Ltda", "Exemplo")
OPENED = datetime(2010, 1, 10, 3, 0, tzinfo=UTC)
FIRST_ID = "00000000-0000-4000-8000-000000000000"


def account(participant: str, number: str = "0007654321", branch: str | None = "0001") -> Account:
    """An account of Bacen's examples."""
    return Account(participant, branch, number, "CACC", OPENED)


def request_id(number: int) -> str:
    """A UUIDv4 of its own for each number."""
    return str(UUID(int=UUID(FIRST_ID).int + 0xABC000 + number))


@dataclass
class DictWorld:
    """The operations over one directory, and the hands of a test's clock."""

    time: datetime = START
    indirect: dict[str, frozenset[str]] = field(default_factory=dict)
    ids: int = 0
    periods: Periods = field(default_factory=lambda: Periods(events_lag_ms=0))

    def __post_init__(self) -> None:
        self.directory = Directory(
            Store(IN_MEMORY), lambda: self.time, self._new_uuid, self.periods, self.indirect
        )
        self.claims = ClaimOperations(self.directory)
        self.entries = EntryOperations(self.directory)
        self.reconciliation = Reconciliation(self.directory)
        self.files = CidFiles(self.directory)
        self.sets = SetOperations(self.directory)

    def _new_uuid(self) -> UUID:
        self.ids += 1
        return UUID(int=UUID(FIRST_ID).int + self.ids)

    def wait(self, **span: float) -> datetime:
        """Moves the clock, in timedelta's words."""
        self.time += timedelta(**span)
        self.directory.changed.set()
        return self.time

    def enter(
        self,
        owner: Owner = JOAO,
        key: str = PHONE,
        key_type: str = "PHONE",
        where: Account | None = None,
        number: int | None = None,
    ) -> Entry:
        """An entry of the donor's participant, unless told otherwise."""
        self.ids += 1
        place = where or account(DONOR_ISPB)
        used = request_id(self.ids if number is None else number)
        call = Call("CreateEntry", place.participant, request_id=used)
        order = EntryOrder(key, key_type, place, owner)
        return self.entries.create(order, "USER_REQUESTED", call)

    def generate(self, key_type: str = "PHONE", count: int = 300, seed: int = 7) -> GeneratedSet:
        """A generated set of the donor's participant."""
        made = GeneratedSet(DONOR_ISPB, key_type, seed, count)
        cids = build(made, threading.Event())
        self.sets.generate(made, cids, Call("GenerateSet", DONOR_ISPB))
        return made

    def open(self, claim_type: str = "PORTABILITY", claimer_ispb: str = CLAIMER_ISPB) -> Claim:
        """A claim on João's phone, held by the donor: by himself, or by Maria."""
        if not self.has(PHONE):
            self.enter()
        claimer = JOAO if claim_type == "PORTABILITY" else MARIA
        order = ClaimOrder(claim_type, PHONE, "PHONE", account(claimer_ispb), claimer)
        return self.claims.create(order)

    def brought_to(self, status: str, claim_type: str = "PORTABILITY") -> Claim:
        """A claim in a status, by the shortest way, confirmed by the donor's user."""
        claim = self.open(claim_type)
        if status == "CANCELLED":
            return self.claims.cancel(self.by_donor(claim, "CancelClaim"), "FRAUD")
        if status == "OPEN":
            return claim
        claim = self.claims.acknowledge(self.by_donor(claim, "AcknowledgeClaim"))
        if status == "WAITING_RESOLUTION":
            return claim
        claim = self.claims.confirm(self.by_donor(claim, "ConfirmClaim"), "USER_REQUESTED")
        if status == "CONFIRMED":
            return claim
        return self.claims.complete(self.completion(claim))

    def by_donor(self, claim: Claim, operation: str) -> Call:
        """The donor's participant acts."""
        return Call(operation, claim.donor_participant, claim.id)

    def by_claimer(self, claim: Claim, operation: str) -> Call:
        """The claimer's participant acts."""
        return Call(operation, claim.claimer_participant, claim.id)

    def completion(self, claim: Claim, number: int = 900) -> Call:
        """The claimer's participant completes with that RequestId."""
        return Call("CompleteClaim", claim.claimer_participant, claim.id, request_id(number))

    def has(self, key: str) -> bool:
        """The key works."""
        try:
            self.entries.get(key)
        except DictProblem:
            return False
        return True

    def ledger(self, *, effective_only: bool = False) -> list[Operation]:
        """All rows."""
        with self.directory.store.transaction() as db:
            return operations(db, "", 0, effective_only, 1000)


def refused(problem_type: str) -> pytest.RaisesExc[DictProblem]:
    """Expects a refusal of exactly this type."""
    return pytest.raises(DictProblem, match=f"^{problem_type}$")
