"""Decisions about reviews: judged by one table, carried out by the real workflows."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from dict_common.kernel.bound_tokens import TOKEN, bound_token
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import InputRefused
from dict_common.ports.directory import CallContext, DirectoryRefused
from dict_common.ports.inbox import Delivery, InboxKey
from tests.support.sync_simulation import PHONES, Installation, entry_id_of, papers
from vsync.application.decide_review import DecideReview
from vsync.application.sync_process import KEEP_ENTRY_WORKFLOW, KeepOrder, keep_workflow_id
from vsync.domain.review import Decision, Review, ReviewStatus, decided

ANA, BEA = "operator-ana", "operator-bea"
OPENED = datetime(2020, 1, 1, tzinfo=UTC)
KEEP, CONFIRM = Decision.KEEP, Decision.CONFIRM_DELETION


def review(status: ReviewStatus, by: str | None = None) -> Review:
    """In some state."""
    return Review(UUID(int=1), UUID(int=2), status, by)


@pytest.mark.parametrize(
    "status", set(ReviewStatus) - {ReviewStatus.RESOLVED, ReviewStatus.KEEPING}
)
@pytest.mark.parametrize("decision", Decision)
def test_what_a_decision_makes_of_an_open_review(status: ReviewStatus, decision: Decision) -> None:
    step = decided(review(status, ANA), decision, BEA)
    confirmed = status is ReviewStatus.AWAITING_SECOND and decision is CONFIRM
    wanted = {
        Decision.INVESTIGATE: (ReviewStatus.INVESTIGATING, ()),
        KEEP: (ReviewStatus.KEEPING, (BEA,)),
        CONFIRM: (ReviewStatus.AWAITING_SECOND, ()),
    }[decision]
    if confirmed:
        wanted = (ReviewStatus.RESOLVED, (ANA, BEA))
    assert (step.review.status, step.decided_by) == wanted
    assert step.review.reviewed_by == BEA


def test_one_person_confirms_no_deletion_alone() -> None:
    once = decided(review(ReviewStatus.PENDING), CONFIRM, ANA).review
    with pytest.raises(InputRefused, match="second-person-needed"):
        decided(once, CONFIRM, ANA)
    looked_at = decided(once, Decision.INVESTIGATE, BEA).review
    assert decided(looked_at, CONFIRM, ANA).review.status is ReviewStatus.AWAITING_SECOND


@pytest.mark.parametrize(
    ("status", "reason"),
    [(ReviewStatus.RESOLVED, "review-resolved"), (ReviewStatus.KEEPING, "review-keeping")],
)
@pytest.mark.parametrize("decision", Decision)
def test_nothing_is_decided_twice(status: ReviewStatus, reason: str, decision: Decision) -> None:
    with pytest.raises(InputRefused, match=reason):
        decided(review(status), decision, ANA)


class People:
    """Tokens are names."""

    def subject_of(self, token: str, at: datetime) -> str:
        """The name."""
        del at
        return token


class Keeping:
    """Starts the real workflow of a registration."""

    def __init__(self, home: Installation) -> None:
        self._home = home
        self.started: list[str] = []

    async def keep(self, review_id: UUID, number: int) -> None:
        """Once for each."""
        id_ = keep_workflow_id(review_id, number)
        if id_ not in self.started:
            self.started.append(id_)
            order = KeepOrder(review_id, number)
            simulation = self._home.simulation

            def start() -> None:
                simulation.start(KEEP_ENTRY_WORKFLOW, order, id_)

            simulation.after(0, start)


class Desk:
    """Two persons, a run that has put a key before them, and DICT."""

    def __init__(self, home: Installation) -> None:
        self.home = home
        self.key = replace(papers(1), opening_date=OPENED)
        self.keeping = Keeping(home)
        self.act = DecideReview(home.reviews, People(), self.keeping, home.voice, uuid4)
        home.bacen.add(self.key)
        home.tell(entry_id_of(self.key), 1, self.key, PHONES)
        home.later()
        home.bacen.remove(self.key)
        home.later()
        home.run()
        (self.review_id,) = home.entries.open_reviews
        home._runner.run(home.reviews.look(self.review_id))

    def says(self, decision: str, person: str = ANA, /, **changes: Any) -> UUID:
        """A person decides, and all that follows is done."""
        command_id, now = uuid4(), self.home.simulation.now_
        words = {
            "review_id": str(self.review_id),
            "decision": decision,
            "reason": "ticket 1",
            "dry_run": False,
            "decided_at": now,
        } | changes
        record = words | {TOKEN: bound_token(person, command_id, words)}
        envelope = Envelope(
            command_id, "review.decide", "/core", now, str(self.review_id), "review"
        )
        key = InboxKey("vsync.review-decide", command_id, (command_id.bytes,))
        delivery = Delivery(key, envelope, now)
        for _ in range(2):  # as a broker may
            self.home._runner.run(self.act(delivery, record))
        self.home.simulation.run()
        return command_id

    @property
    def status(self) -> ReviewStatus:
        """Of the review."""
        return self.home.reviews.rows[self.review_id].status

    @property
    def entry(self) -> Any:
        """Ours."""
        return self.home.entries.entries[entry_id_of(self.key)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """With a review."""
    home = Installation(tmp_path)
    yield Desk(home)
    home.close()


def test_two_persons_delete_what_bacen_has_deleted(desk: Desk) -> None:
    desk.says(CONFIRM, ANA)
    assert (desk.status, desk.entry.review_id) == (ReviewStatus.AWAITING_SECOND, desk.review_id)
    desk.says(CONFIRM, BEA)
    assert (desk.status, desk.entry.review_id, desk.entry.cid) == (
        ReviewStatus.RESOLVED,
        None,
        None,
    )
    assert desk.home.entries.papers[desk.entry.entry_id] is None
    (told,) = desk.home.told("review.resolved")
    assert (told["outcome"], told["decided_by"]) == ("DELETED", [ANA, BEA])
    assert len(desk.home.told("entry.deleted")) == 1
    assert len(desk.home.reviews.others) == 2
    assert desk.home.run(number="2").status == "COMPLETED"


def test_a_key_registered_anew_before_the_second_word_stands(desk: Desk) -> None:
    desk.says(CONFIRM, ANA)
    desk.home.later()
    anew = replace(desk.key, request_id=uuid4())
    desk.home.bacen.add(anew)
    created = desk.home.report_of(uuid4(), 1, anew, PHONES)
    desk.home.later()
    desk.says(CONFIRM, BEA)
    desk.home.arrives(created)
    assert desk.home.equal()
    assert desk.home.run(number="2").discrepancies == 0


def test_what_is_kept_is_registered_again_under_a_new_cid(desk: Desk) -> None:
    desk.says(KEEP)
    assert (desk.status, desk.entry.review_id) == (ReviewStatus.RESOLVED, None)
    assert desk.entry.cid not in (None, desk.key.cid)
    assert desk.home.equal()
    (told,) = desk.home.told("review.resolved")
    assert (told["outcome"], told["decided_by"]) == ("KEPT", [ANA])
    assert desk.home.told("entry.corrected")[-1]["correction"] == "RESTORED"
    assert desk.keeping.started == [keep_workflow_id(desk.review_id, 1)]
    again = desk.home.run(number="2")
    assert (again.status, again.discrepancies) == ("COMPLETED", 0)


def test_a_key_that_stands_elsewhere_opens_the_review_again(desk: Desk) -> None:
    elsewhere = papers(1)
    desk.home.bacen.add(
        replace(elsewhere, attributes=elsewhere.attributes._replace(participant="87654321"))
    )
    desk.says(KEEP)
    assert (desk.status, desk.entry.review_id) == (ReviewStatus.PENDING, desk.review_id)
    opened = desk.home.told("review.opened")
    assert [it["reason_code"] for it in opened] == [
        "MISSING_BACEN",
        "EntryKeyInCustodyOfDifferentParticipant",
    ]
    desk.says(KEEP)
    assert len(desk.keeping.started) == 2


def test_a_registration_outlasts_an_outage_and_happens_once(desk: Desk) -> None:
    left = [12]

    def away(operation: str, _context: CallContext) -> None:
        if operation == "CreateEntry" and left[0]:
            left[0] -= 1
            raise DirectoryRefused("ServiceUnavailable", 503, "Down")

    desk.home.bacen.script = away
    desk.says(KEEP)
    assert desk.status is ReviewStatus.RESOLVED
    names = {name for operation, name in desk.home.bacen.calls if operation == "CreateEntry"}
    assert len(names) == 1


def test_a_report_that_comes_first_leaves_nothing_to_decide(desk: Desk) -> None:
    desk.home.bacen.add(desk.key)
    desk.home.tell(entry_id_of(desk.key), 2, desk.key, PHONES)
    with pytest.raises(InputRefused, match="review-resolved"):
        desk.says(CONFIRM)


def test_a_dry_run_changes_nothing_and_is_told(desk: Desk) -> None:
    desk.says(CONFIRM, dry_run=True)
    assert desk.status is ReviewStatus.PENDING
    assert len(desk.home.reviews.others) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"decision": "DELETE"}, "value-unknown"),
        ({"reason": "call +5561988880000"}, "reason-holds-personal-data"),
        ({"review_id": str(UUID(int=9))}, "subject-differs"),
    ],
)
def test_bad_words_are_refused(desk: Desk, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputRefused, match=reason):
        desk.says(CONFIRM, **changes)


def test_an_entry_without_its_accounts_date_cannot_be_registered(desk: Desk) -> None:
    entry = desk.entry
    stored = desk.home.entries.papers[entry.entry_id]
    assert stored is not None
    rest = desk.home.secrecy.rest
    desk.home.entries.papers[entry.entry_id] = replace(stored, sealed=papers(1).sealed(rest))
    with pytest.raises(InputRefused, match="account-opening-date-unknown"):
        desk.says(KEEP)
