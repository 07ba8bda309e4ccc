"""Operations on claims: each is one transaction over rules, claims, entries and ledger."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bridge_simulator import (
    claim_rows,
    claim_rules,
    entry_rows,
    formats,
    request_ids,
    script_rows,
)
from bridge_simulator.cid import entry_cid
from bridge_simulator.claim_jump import Jump
from bridge_simulator.claim_rows import ClaimFilter
from bridge_simulator.claim_rules import Change
from bridge_simulator.directory import Directory, Outcome
from bridge_simulator.instants import EARLIEST_US, LATEST_US, to_us
from bridge_simulator.ledger import Call
from bridge_simulator.problems import DictProblem
from bridge_simulator.records import Claim, ClaimOrder, Entry

LIST_LIMIT_DEFAULT = 20
LIST_LIMIT_MAX = 200


@dataclass(frozen=True)
class ClaimQuery:
    """ListClaims' parameters as they came; None = absent."""

    participant: str
    include_indirect_participants: bool = False
    is_donor: bool | None = None
    is_claimer: bool | None = None
    status: frozenset[str] = frozenset()
    type: str | None = None
    modified_after: datetime | None = None
    modified_before: datetime | None = None
    limit: int | None = None


class ClaimOperations:
    """DICT's claims. Every method raises DictProblem when DICT refuses."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def create(self, order: ClaimOrder, x_request_id: str = "") -> Claim:
        """A new claim, OPEN."""
        call = Call("CreateClaim", order.claimer_account.participant, x_request_id=x_request_id)

        def work(db: sqlite3.Connection, now: datetime) -> Outcome[Claim]:
            claim_rules.check_order(order)
            entry = claim_rules.check_against_entry(
                order, entry_rows.find(db, order.key), claim_rows.find_open(db, order.key)
            )
            claim_id = str(self._directory.new_uuid())
            claim = claim_rules.opened(order, entry, claim_id, now, self._directory.periods)
            claim_rows.put(db, claim)
            script_rows.bind(db, claim, now)
            return Outcome(claim, True, claim.id, "", claim.status)

        return self._directory.write(call, work)

    def acknowledge(self, call: Call) -> Claim:
        """OPEN → WAITING_RESOLUTION."""
        return self._change(
            call, lambda claim, now: claim_rules.acknowledge(claim, call.participant, now)
        )

    def confirm(self, call: Call, reason: str) -> Claim:
        """WAITING_RESOLUTION → CONFIRMED; the donor's entry goes."""

        def remove_entry(db: sqlite3.Connection, claim: Claim, now: datetime) -> None:
            entry = entry_rows.find(db, claim.key)
            if entry is not None:
                entry_rows.remove(db, entry, now)

        return self._change(
            call,
            lambda claim, now: claim_rules.confirm(claim, call.participant, reason, now),
            remove_entry,
        )

    def cancel(self, call: Call, reason: str) -> Claim:
        """→ CANCELLED."""
        periods = self._directory.periods
        return self._change(
            call,
            lambda claim, now: claim_rules.cancel(claim, call.participant, reason, now, periods),
        )

    def complete(self, call: Call) -> Claim:
        """CONFIRMED → COMPLETED; the claimer's entry comes, its CID made with `call.request_id`."""
        digest = request_ids.content_digest("CompleteClaim", call.claim_id)

        def change(claim: Claim, now: datetime) -> Change:
            return claim_rules.complete(claim, call.participant, call.request_id.lower(), now)

        def check(db: sqlite3.Connection) -> None:
            formats.require_request_id(call.request_id, "ClaimInvalid")
            request_ids.earlier_answer(db, call.participant, call.request_id, digest)

        def add_entry(db: sqlite3.Connection, claim: Claim, now: datetime) -> None:
            request_ids.remember(db, call.participant, call.request_id, digest, claim.id)
            left_by_a_jump = entry_rows.find(db, claim.key)
            if left_by_a_jump is not None:
                entry_rows.remove(db, left_by_a_jump, now)
            entry_rows.add(db, _resulting_entry(claim, now), now)

        return self._change(call, change, add_entry, check)

    def jump(self, jump: Jump, x_request_id: str = "") -> Claim:
        """The claim is as the jump wants it, whatever the rules say; one claim a key stays."""

        def work(db: sqlite3.Connection, now: datetime) -> Outcome[Claim]:
            before = _known(db, jump.claim_id)
            after = jump.landed(before, now)
            other = claim_rows.find_open(db, before.key)
            if after.is_open and other is not None and other.id != before.id:
                raise DictProblem("ClaimAlreadyExistsForKey")
            claim_rows.put(db, after)
            return Outcome(after, after != before, before.id, before.status, after.status)

        return self._directory.write(Call("Jump", "", jump.claim_id, "", x_request_id), work)

    def get(self, claim_id: str, requesting_participant: str) -> Claim:
        """A claim, for a participant that is a side of it or represents one."""
        asking = self._directory.represented_by(requesting_participant)
        with self._directory.store.transaction() as db:
            claim = _known(db, claim_id)
        if asking.isdisjoint((claim.donor_participant, claim.claimer_participant)):
            raise DictProblem("Forbidden")
        return claim

    def list(self, query: ClaimQuery) -> tuple[list[Claim], bool]:
        """A page of claims, ascending by LastModified, and whether there are more."""
        formats.require_participant(query.participant)
        limit = LIST_LIMIT_DEFAULT if query.limit is None else query.limit
        if not 1 <= limit <= LIST_LIMIT_MAX:
            raise DictProblem("BadRequest", f"Limit: 1 to {LIST_LIMIT_MAX}")
        with self._directory.store.transaction() as db:
            found = claim_rows.select(db, self._filter(query), limit + 1)
        return found[:limit], len(found) > limit

    def _filter(self, query: ClaimQuery) -> ClaimFilter:
        either = bool(query.is_donor) == bool(query.is_claimer)
        participants = frozenset({query.participant})
        if query.include_indirect_participants:
            participants = self._directory.represented_by(query.participant)
        after, before = query.modified_after, query.modified_before
        return ClaimFilter(
            participants=participants,
            as_donor=either or bool(query.is_donor),
            as_claimer=either or bool(query.is_claimer),
            statuses=query.status,
            type=query.type or "",
            modified_us=(
                EARLIEST_US if after is None else to_us(after),
                LATEST_US if before is None else to_us(before),
            ),
        )

    def _change(
        self,
        call: Call,
        change: Callable[[Claim, datetime], Change],
        effect: Callable[[sqlite3.Connection, Claim, datetime], None] | None = None,
        check: Callable[[sqlite3.Connection], None] | None = None,
    ) -> Claim:
        def work(db: sqlite3.Connection, now: datetime) -> Outcome[Claim]:
            before = _known(db, call.claim_id)
            if check is not None:
                check(db)
            changed = change(before, now)
            if changed.effective:
                claim_rows.put(db, changed.claim)
                if effect is not None:
                    effect(db, changed.claim, now)
            status = changed.claim.status
            return Outcome(changed.claim, changed.effective, before.id, before.status, status)

        return self._directory.write(call, work)


def _known(db: sqlite3.Connection, claim_id: str) -> Claim:
    claim = claim_rows.find(db, claim_id)
    if claim is None:
        raise DictProblem("NotFound", "there is no such claim")
    return claim


def _resulting_entry(claim: Claim, now: datetime) -> Entry:
    assert claim.request_id is not None, "a completed claim has its RequestId"
    assert claim.key_ownership_date is not None, "a completed claim has its ownership date"
    owner, account = claim.claimer, claim.claimer_account
    return Entry(
        key=claim.key,
        key_type=claim.key_type,
        account=account,
        owner=owner,
        creation_date=now,
        key_ownership_date=claim.key_ownership_date,
        request_id=claim.request_id,
        cid=entry_cid(claim.request_id, claim.key_type, claim.key, owner, account),
    )
