"""DICT in memory with Bacen's rules as the simulator has them, and faults on demand.

The rules come from `bridge_simulator`, which shares no code with the services: an oracle that
cannot have the same misreading.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bridge_simulator import claim_rules
from bridge_simulator.claim_rules import Change
from bridge_simulator.periods import Periods
from bridge_simulator.problems import DictProblem
from bridge_simulator.records import Account, Claim, ClaimOrder, Entry, Owner
from dict_common.kernel.clock import Clock
from dict_common.kernel.ids import IdSource
from dict_common.ports.directory import (
    EFFECTS,
    CallContext,
    CallUnanswered,
    ClaimPage,
    ClaimQuery,
    ClaimRequest,
    DirectoryClaim,
    DirectoryRefused,
    DirectoryUnreachable,
)

DONOR = "87654321"
DONORS_TAX_ID = "99988877766"


@dataclass(frozen=True)
class Effect:
    """A row of the ledger: what changed DICT."""

    operation: str
    claim_id: UUID
    request_id: str
    at: datetime


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with one call: a problem instead of the rules, or silence around the effect.

    `problem` = (type, HTTP status); `after`: the effect is done and its answer lost.
    """

    problem: tuple[str, int] | None = None
    after: bool = False


@dataclass
class RuledDirectory:
    """Directory. `trouble` is asked before each call; None lets it pass."""

    clock: Clock
    new_id: IdSource
    day_seconds: int
    trouble: Callable[[str], Trouble | None] = lambda _operation: None
    claims: dict[UUID, Claim] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    unanswered: set[str] = field(default_factory=set)
    """Names of calls whose outcome nobody was told: the ledger of the real adapter knows them."""
    answers: dict[str, DirectoryClaim] = field(default_factory=dict)
    list_lag: timedelta = timedelta(0)
    """How old a change is before listClaims shows it (bacen-dict 1.6: up to 5 s)."""
    _last: tuple[Claim, DirectoryClaim] | None = None

    async def create_claim(self, request: ClaimRequest, context: CallContext) -> DirectoryClaim:
        """OPEN, or a refusal."""

        def work() -> Change:
            now = self.clock.now()
            account, claimer = request.account, request.claimer
            order = ClaimOrder(
                request.type,
                request.key,
                request.key_type,
                Account(
                    account.participant,
                    account.branch,
                    account.number,
                    account.type,
                    account.opening_date,
                ),
                Owner(claimer.type, claimer.tax_id, claimer.name, claimer.trade_name),
            )
            claim_rules.check_order(order)
            others = [it for it in self.claims.values() if it.key == request.key and _open(it)]
            entry = claim_rules.check_against_entry(
                order, self._entry(request), others[0] if others else None
            )
            opened = claim_rules.opened(order, entry, str(self.new_id()), now, self._periods)
            return Change(opened, effective=True)

        return self._call("CreateClaim", context, work)

    async def get_claim(
        self, claim_id: UUID, participant: str, context: CallContext
    ) -> DirectoryClaim:
        """As it is."""
        return self._call("GetClaim", context, lambda: Change(self._known(claim_id), False))

    async def complete_claim(
        self, claim_id: UUID, participant: str, request_id: UUID, context: CallContext
    ) -> DirectoryClaim:
        """COMPLETED, or a refusal."""
        return self._call(
            "CompleteClaim",
            context,
            lambda: claim_rules.complete(
                self._known(claim_id), participant, str(request_id), self.clock.now()
            ),
        )

    async def cancel_claim(
        self, claim_id: UUID, participant: str, reason: str, context: CallContext
    ) -> DirectoryClaim:
        """CANCELLED, or a refusal."""
        return self._call(
            "CancelClaim", context, lambda: self._cancel(claim_id, participant, reason)
        )

    async def list_claims(self, query: ClaimQuery, context: CallContext) -> ClaimPage:
        """In ascending LastModified."""
        self._maybe("ListClaims")
        after = query.modified_after
        found = [
            _shown(claim)
            for claim in sorted(self.claims.values(), key=lambda it: it.last_modified)
            if claim.claimer_participant == query.participant
            and claim.last_modified + self.list_lag <= self.clock.now()
            and (after is None or claim.last_modified >= after)
        ]
        return ClaimPage(tuple(found[: query.limit]), has_more=len(found) > query.limit)

    def act(self, claim_id: UUID, action: str, reason: str = "") -> bool:
        """The donor acts; False where the rules do not let it."""
        claim, now = self.claims[claim_id], self.clock.now()
        try:
            if action == "acknowledge":
                change = claim_rules.acknowledge(claim, DONOR, now)
            elif action == "confirm":
                change = claim_rules.confirm(claim, DONOR, reason, now)
            else:
                change = claim_rules.cancel(claim, DONOR, reason, now, self._periods)
        except DictProblem:
            return False
        self._put(change, f"Donor:{action}", "")
        return change.effective

    def _cancel(self, claim_id: UUID, participant: str, reason: str) -> Change:
        return claim_rules.cancel(
            self._known(claim_id), participant, reason, self.clock.now(), self._periods
        )

    @property
    def _periods(self) -> Periods:
        return Periods(self.day_seconds)

    def _call(
        self, operation: str, context: CallContext, work: Callable[[], Change]
    ) -> DirectoryClaim:
        """As the real adapter with its ledger: an answered effect is never sent again."""
        name = context.request_id
        if operation in EFFECTS and name in self.answers:
            return self.answers[name]
        after_unknown = name in self.unanswered
        if operation == "CreateClaim" and after_unknown and not context.looked:
            raise CallUnanswered(name)
        trouble = self._maybe(operation, name)
        try:
            change = work()
        except DictProblem as problem:
            status = problem.kind.http_status
            raise DirectoryRefused(
                problem.type_name, status, problem.type_name, after_unknown=after_unknown
            ) from None
        self._put(change, operation, name)
        if trouble is not None:
            self.unanswered.add(name)
            raise DirectoryUnreachable("bridge-unreachable", "the answer was lost")
        self.answers[name] = self._answer(change.claim)
        return self.answers[name]

    def _answer(self, claim: Claim) -> DirectoryClaim:
        """As it was shown before, unless it has changed: a month of polls asks for the same."""
        if self._last is None or self._last[0] is not claim:
            self._last = (claim, _shown(claim))
        return self._last[1]

    def _maybe(self, operation: str, name: str = "") -> Trouble | None:
        """Trouble before the effect raises here; trouble after it is answered."""
        trouble = self.trouble(operation)
        if trouble is None or (trouble.problem is None and trouble.after):
            return trouble
        after_unknown = name in self.unanswered
        if trouble.problem is None:
            self.unanswered.add(name)
            raise DirectoryUnreachable("bridge-unreachable", "silence")
        if trouble.problem[1] >= 500:
            self.unanswered.add(name)
        raise DirectoryRefused(*trouble.problem, "trouble", after_unknown=after_unknown)

    def _put(self, change: Change, operation: str, name: str) -> None:
        if change.effective:
            id_ = UUID(change.claim.id)
            self.claims[id_] = change.claim
            self.effects.append(Effect(operation, id_, name, self.clock.now()))

    def _known(self, claim_id: UUID) -> Claim:
        claim = self.claims.get(claim_id)
        if claim is None:
            raise DictProblem("NotFound")
        return claim

    def _entry(self, request: ClaimRequest) -> Entry:
        portability = request.type == "PORTABILITY"
        tax_id = request.claimer.tax_id if portability else DONORS_TAX_ID
        since = datetime(2020, 1, 1, tzinfo=UTC)
        return Entry(
            key=request.key,
            key_type=request.key_type,
            account=Account(DONOR, "0001", "1234567", "CACC", since),
            owner=Owner("NATURAL_PERSON", tax_id, "Donor", None),
            creation_date=since,
            key_ownership_date=since,
            request_id="",
            cid="",
        )


def _open(claim: Claim) -> bool:
    return claim.status not in ("COMPLETED", "CANCELLED")


def _shown(claim: Claim) -> DirectoryClaim:
    return DirectoryClaim(
        id=UUID(claim.id),
        type=claim.type,
        key_type=claim.key_type,
        key=claim.key,
        status=claim.status,
        claimer_participant=claim.claimer_participant,
        claimer_branch=claim.claimer_account.branch,
        claimer_account_number=claim.claimer_account.account_number,
        donor_participant=claim.donor_participant,
        resolution_period_end=claim.resolution_period_end,
        completion_period_end=claim.completion_period_end,
        last_modified=claim.last_modified,
        confirm_reason=claim.confirm_reason,
        cancel_reason=claim.cancel_reason,
        cancelled_by=claim.cancelled_by,
        entry_creation_date=claim.entry_creation_date,
        key_ownership_date=claim.key_ownership_date,
    )
