"""Operations of section 3: VSync, the log of CIDs, look-up by CID."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from bridge_simulator import cid_rows, entry_rows, formats, generated_rows
from bridge_simulator.cid_rows import CidEvent
from bridge_simulator.directory import Directory, Outcome
from bridge_simulator.instants import EARLIEST_US, LATEST_US, to_us
from bridge_simulator.ledger import Call
from bridge_simulator.problems import DictProblem
from bridge_simulator.records import Entry

EVENTS_LIMIT_DEFAULT = 100
EVENTS_LIMIT_MAX = 200


@dataclass(frozen=True)
class EventsQuery:
    """ListCidEvents' parameters as they came; None = absent."""

    participant: str
    key_type: str
    start_time: datetime | None = None
    end_time: datetime | None = None
    limit: int | None = None


@dataclass(frozen=True)
class EventsPage:
    """`verifier_start` is the VSync after the first listed event, `verifier_end` after the last."""

    events: list[CidEvent]
    has_more: bool
    verifier_start: str
    verifier_end: str


class Reconciliation:
    """DICT's side of reconciliation. Every method raises DictProblem when DICT refuses."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def verify(self, call: Call, key_type: str, verifier: str) -> tuple[str, str]:
        """Id and Result (OK or NOK) of a VSync, compared with the present state."""

        def work(db: sqlite3.Connection, _now: datetime) -> Outcome[tuple[str, str]]:
            formats.require_key_type(key_type)
            formats.require_cid(verifier, "ParticipantSyncVerifier")
            same = cid_rows.verifier_now(db, call.participant, key_type) == verifier
            verification = (str(self._directory.new_uuid()), "OK" if same else "NOK")
            return Outcome(verification, effective=False)

        return self._directory.write(call, work)

    def list_events(self, query: EventsQuery) -> EventsPage:
        """A page of a set's log, ascending. What is younger than the lag is as if it were not."""
        formats.require_participant(query.participant)
        formats.require_key_type(query.key_type)
        limit = EVENTS_LIMIT_DEFAULT if query.limit is None else query.limit
        if not 1 <= limit <= EVENTS_LIMIT_MAX:
            raise DictProblem("BadRequest", f"Limit: 1 to {EVENTS_LIMIT_MAX}")
        start = EARLIEST_US if query.start_time is None else to_us(query.start_time)
        end = LATEST_US if query.end_time is None else to_us(query.end_time)
        shown_until = to_us(self._directory.periods.events_shown_until(self._directory.now()))
        end = min(end, shown_until)
        with self._directory.store.transaction() as db:
            found = cid_rows.events(db, query.participant, query.key_type, (start, end), limit + 1)
            before = cid_rows.verifier_before(
                db, query.participant, query.key_type, min(start, shown_until + 1)
            )
        page = found[:limit]
        return EventsPage(
            events=page,
            has_more=len(found) > limit,
            verifier_start=page[0].verifier_after if page else before,
            verifier_end=page[-1].verifier_after if page else before,
        )

    def entry_by_cid(self, cid: str, requesting_participant: str) -> Entry:
        """The entry that has this CID now, for its holder or who represents it."""
        formats.require_cid(cid, "Cid")
        with self._directory.store.transaction() as db:
            entry = entry_rows.find_stored_by_cid(db, cid) or self._generated(db, cid)
        if entry is None:
            raise DictProblem("NotFound", "no entry has this CID")
        self._directory.require_represents(requesting_participant, entry.account.participant)
        return entry

    def _generated(self, db: sqlite3.Connection, cid: str) -> Entry | None:
        for of in generated_rows.all_sets(db):
            index = self._directory.generated.cids(of).index_of(cid)
            if index is not None and not generated_rows.is_gone(db, of, index):
                return of.entry(index)
        return None
