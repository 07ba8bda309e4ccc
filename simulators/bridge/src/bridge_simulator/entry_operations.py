"""Operations on entries: each is one transaction over rules, entries and ledger."""

import sqlite3
from dataclasses import replace
from datetime import datetime

from bridge_simulator import claim_rows, entry_rows, entry_rules, formats, request_ids
from bridge_simulator.cid import entry_cid
from bridge_simulator.directory import Directory, Outcome
from bridge_simulator.documents import to_document, to_entry
from bridge_simulator.ledger import Call
from bridge_simulator.problems import DictProblem
from bridge_simulator.records import Account, Claim, Entry, EntryOrder, Owner


class EntryOperations:
    """DICT's entries. Every method raises DictProblem when DICT refuses."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def create(self, order: EntryOrder, reason: str, call: Call) -> Entry:
        """A new entry; a repeated RequestId gives the first answer again."""
        digest = request_ids.content_digest("CreateEntry", order, reason)

        def work(db: sqlite3.Connection, now: datetime) -> Outcome[Entry]:
            entry_rules.check_order(order, reason)
            formats.require_request_id(call.request_id, "EntryInvalid")
            earlier = request_ids.earlier_answer(db, call.participant, call.request_id, digest)
            if earlier is not None:
                return Outcome(to_entry(earlier), effective=False)
            entry = self._new_entry(order, call.request_id.lower(), now)
            entry_rules.check_create(
                order,
                entry_rows.find(db, entry.key),
                claim_rows.find_open(db, entry.key),
                entry_rows.count_of_account(db, order.account),
            )
            entry_rows.add(db, entry, now)
            request_ids.remember(db, call.participant, call.request_id, digest, to_document(entry))
            return Outcome(entry, effective=True)

        return self._directory.write(call, work)

    def get(self, key: str) -> tuple[Entry, Claim | None]:
        """An entry and the claim that is open on it."""
        with self._directory.store.transaction() as db:
            return _known(db, key), claim_rows.find_open(db, key)

    def update(self, key: str, account: Account, owner: Owner, reason: str, call: Call) -> Entry:
        """New account data or names under the same RequestId: another CID."""

        def work(db: sqlite3.Connection, now: datetime) -> Outcome[Entry]:
            old = _known(db, key)
            entry_rules.check_update(old, account, owner, reason)
            cid = entry_cid(old.request_id, old.key_type, key, owner, account)
            new = replace(old, account=account, owner=owner, cid=cid)
            if new == old:
                return Outcome(old, effective=False)
            entry_rows.replace(db, old, new, now)
            return Outcome(new, effective=True)

        return self._directory.write(call, work)

    def delete(self, key: str, reason: str, call: Call) -> None:
        """The entry goes."""

        def work(db: sqlite3.Connection, now: datetime) -> Outcome[None]:
            entry = _known(db, key)
            claim = claim_rows.find_open(db, key)
            entry_rules.check_delete(entry, call.participant, reason, claim)
            entry_rows.remove(db, entry, now)
            return Outcome(None, effective=True)

        self._directory.write(call, work)

    def _new_entry(self, order: EntryOrder, request_id: str, now: datetime) -> Entry:
        key = str(self._directory.new_uuid()) if order.key_type == "EVP" else order.key
        return Entry(
            key=key,
            key_type=order.key_type,
            account=order.account,
            owner=order.owner,
            creation_date=now,
            key_ownership_date=now,
            request_id=request_id,
            cid=entry_cid(request_id, order.key_type, key, order.owner, order.account),
        )


def _known(db: sqlite3.Connection, key: str) -> Entry:
    entry = entry_rows.find(db, key)
    if entry is None:
        raise DictProblem("NotFound", "there is no such entry")
    return entry
