"""The desk over fakes: taken once, told once, given back until it is done, refused by name."""

from datetime import UTC, datetime
from typing import cast
from uuid import UUID, uuid4

import pytest

from audit_sink.application.dead_letter_desk import SOURCE, DeadLetterDesk, DeskRules
from audit_sink.application.desk_ports import Inspected, LetterActions, LetterBox
from dict_common.intake.operators import OperatorDoor
from dict_common.intake.refusals import Refusals, Rejections
from dict_common.kernel.bound_tokens import bound_token
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import InputRefused, Unavailable
from dict_common.kernel.letter_ids import LETTERS_MAX, LetterId
from dict_common.ports.inbox import Delivery, InboxKey, Seen
from dict_common.testing.clock import FixedClock
from tests.support.desk_fakes import (
    CountingPace,
    InMemoryLetterActions,
    InMemoryLetters,
    Killed,
    Life,
    Mortal,
    RecordingComposer,
)
from tests.support.letter_actions_suite import LetterActionsSuite

SERVICE = "claim-orchestrator"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RULES = DeskRules((SERVICE, "audit-sink"), per_second=50)
REDRIVE, DISCARD = "DEAD_LETTERS_REDRIVE", "DEAD_LETTERS_DISCARD"


class TestInMemoryLetterActions(LetterActionsSuite):
    """The fake."""

    def setup_method(self) -> None:
        """One memory a test."""
        self.memory = InMemoryLetterActions()

    async def actions(self) -> LetterActions:
        """In memory."""
        return self.memory

    async def told(self, id_: UUID) -> int:
        """In memory."""
        return sum(event.envelope.id == id_ for event in self.memory.events)


def ids(many: int) -> list[LetterId]:
    """Letters 7:0:0:-1, 7:1:0:-1 …"""
    return [LetterId(7, number, 0, -1) for number in range(many)]


def asked(*letters: LetterId | str, **changes: object) -> dict[str, object]:
    """A good `operator.request` about dead letters."""
    return {
        "verb": REDRIVE,
        "target": SERVICE,
        "reason": "OPS-1",
        "cancel_reason": None,
        "dry_run": False,
        "token": "good",
        "letters": [str(letter) for letter in letters],
        "rate": None,
    } | changes


def delivery(subject: str = SERVICE) -> Delivery:
    """A request as it came."""
    envelope = Envelope(uuid4(), "operator.request", "/core", NOW, subject, "dead-letters")
    return Delivery(InboxKey("audit-desk.operator", envelope.id, (b"a",)), envelope, NOW)


class Desk:
    """The use case over one memory; `life` is that of the process that works in it."""

    def __init__(self, letters: int = 0) -> None:
        self.actions, self.box = InMemoryLetterActions(), InMemoryLetters()
        self.pace, self.composer = CountingPace(), RecordingComposer()
        for letter in ids(letters):
            self.box.there[SERVICE, letter] = Inspected(readable=True, event_id=UUID(int=1))

    def subject_of(self, token: str, at: datetime) -> str:
        """OperatorTokens: one token is good."""
        if token not in ("good", "personal"):
            raise InputRefused("token-invalid", "no")
        return "op-17" if token == "good" else "joao@example.com"

    async def handle(
        self, came: Delivery, record: dict[str, object], life: Life | None = None
    ) -> None:
        """A process takes the request; its token was made for it."""
        token = bound_token(str(record["token"]), came.key.command_id, record)
        await self.handle_as_it_is(came, record | {"token": token}, life or Life())

    async def handle_as_it_is(
        self, came: Delivery, record: dict[str, object], life: Life | None = None
    ) -> None:
        """A process takes the request with whatever token stands in it."""
        alive = life or Life()
        actions = cast("LetterActions", Mortal(self.actions, alive))
        box = cast("LetterBox", Mortal(self.box, alive))
        desk = DeadLetterDesk(actions, box, self.composer, self.pace, RULES)
        await OperatorDoor(actions, self, desk)(came, record)

    @property
    def outcomes(self) -> dict[str, str | None]:
        """Letter to what came of it."""
        return {str(action.letter): action.outcome for action in self.actions.actions}


async def test_letters_go_back_in_their_order_once_and_are_told_once() -> None:
    desk, came = Desk(3), delivery()
    first, second, third = ids(3)
    for _ in range(3):
        await desk.handle(came, asked(third, first, second))
    assert desk.box.given_back == [(SERVICE, third), (SERVICE, first), (SERVICE, second)]
    assert set(desk.outcomes.values()) == {"redriven"}
    (event,) = desk.composer.composed
    assert (event.name, event.envelope.source) == ("operator.acted", SOURCE)
    about = event.record["target_type"], event.record["target_id"]
    assert about == ("dead-letters", SERVICE)
    assert event.record["letters"] == [str(third), str(first), str(second)]
    assert (event.record["operator"], event.record["skipped"]) == ("op-17", 0)
    assert await desk.actions.seen(came.key) is Seen.SETTLED
    assert {action.event_id for action in desk.actions.actions} == {UUID(int=1)}


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
async def test_killed_at_any_step_it_goes_on_with_the_rest(before: bool) -> None:
    whole = Life()
    await Desk(3).handle(delivery(), asked(*ids(3)), whole)
    assert whole.steps > 10
    for at in range(whole.steps):
        desk, came = Desk(3), delivery()
        with pytest.raises(Killed):
            await desk.handle(came, asked(*ids(3)), Life(at, before))
        await desk.handle(came, asked(*ids(3)))
        given = [letter for _, letter in desk.box.given_back]
        assert set(given) == set(ids(3)), f"killed at {at}: one never went back"
        assert len(given) <= 4, f"killed at {at}: more than the one in hand went twice"
        assert set(desk.outcomes.values()) == {"redriven"}
        assert len(desk.actions.events) == 1, f"killed at {at}: told twice"
        assert await desk.actions.seen(came.key) is Seen.SETTLED


async def test_killed_twice_in_one_request() -> None:
    desk, came = Desk(5), delivery()
    for life in (Life(9), Life(4, before=False)):
        with pytest.raises(Killed):
            await desk.handle(came, asked(*ids(5)), life)
    await desk.handle(came, asked(*ids(5)))
    assert set(desk.outcomes.values()) == {"redriven"}
    assert len(desk.actions.events) == 1


async def test_letters_acted_on_before_are_left_out_and_counted() -> None:
    desk = Desk(3)
    await desk.handle(delivery(), asked(*ids(2)))
    await desk.handle(delivery(), asked(*ids(3)))
    assert [letter.entry for _, letter in desk.box.given_back] == [0, 1, 2]
    last = desk.composer.records[-1]
    assert (last["letters"], last["skipped"]) == (["7:2:0:-1"], 2)
    with pytest.raises(InputRefused, match="letters-acted-on"):
        await desk.handle(delivery(), asked(*ids(3), verb=DISCARD))


async def test_letter_named_twice_goes_once() -> None:
    desk = Desk(1)
    await desk.handle(delivery(), asked("7:0:0:-1", "7:0:0:-1", "07:0:00:-1"))
    assert len(desk.box.given_back) == 1
    assert desk.composer.records[0]["letters"] == ["7:0:0:-1"]


async def test_discard_is_noted_and_nothing_goes_back() -> None:
    desk, came = Desk(2), delivery()
    await desk.handle(came, asked(*ids(2), verb=DISCARD))
    assert (desk.box.given_back, set(desk.outcomes.values())) == ([], {"discarded"})
    assert await desk.actions.seen(came.key) is Seen.SETTLED
    with pytest.raises(InputRefused, match="letters-acted-on"):
        await desk.handle(delivery(), asked(*ids(2)))


@pytest.mark.parametrize("verb", [REDRIVE, DISCARD])
async def test_dry_run_is_told_and_changes_nothing(verb: str) -> None:
    desk = Desk(2)
    await desk.handle(delivery(), asked(*ids(2), verb=verb, dry_run=True))
    assert (desk.outcomes, desk.box.given_back) == ({}, [])
    assert desk.composer.records[0]["outcome"] == "would-be-accepted"
    await desk.handle(delivery(), asked(*ids(2), verb=verb))
    assert len(desk.outcomes) == 2


async def test_letter_that_vanished_meanwhile_is_noted_as_gone() -> None:
    desk, came = Desk(3), delivery()
    life = Life(dies_at=6)  # taken, and none has gone back yet
    with pytest.raises(Killed):
        await desk.handle(came, asked(*ids(3)), life)
    assert list(desk.outcomes.values()) == [None, None, None]
    del desk.box.there[SERVICE, ids(3)[1]]
    await desk.handle(came, asked(*ids(3)))
    assert list(desk.outcomes.values()) == ["redriven", "gone", "redriven"]


async def test_letter_that_does_not_open_is_only_discarded() -> None:
    desk = Desk(2)
    desk.box.there[SERVICE, ids(2)[1]] = Inspected(readable=False, event_id=None)
    with pytest.raises(InputRefused, match=r"letter-unreadable: letter 7:1:0:-1"):
        await desk.handle(delivery(), asked(*ids(2)))
    assert desk.outcomes == {}
    await desk.handle(delivery(), asked(ids(2)[1], verb=DISCARD))
    assert desk.outcomes == {"7:1:0:-1": "discarded"}


async def test_rate_is_the_request_s_or_the_desk_s_own() -> None:
    desk = Desk(2)
    await desk.handle(delivery(), asked(ids(2)[0], rate=7))
    await desk.handle(delivery(), asked(ids(2)[1]))
    assert desk.pace.rates == [7, 50]


async def test_stop_leaves_the_rest_to_the_next() -> None:
    class Stopping(CountingPace):
        async def turn(self, service: str, per_second: int) -> None:
            if len(self.rates) == 1:
                raise Unavailable("stopping", "this process was asked to stop")
            await super().turn(service, per_second)

    desk, came = Desk(2), delivery()
    desk.pace = Stopping()
    with pytest.raises(Unavailable):
        await desk.handle(came, asked(*ids(2)))
    assert await desk.actions.seen(came.key) is Seen.OPEN
    desk.pace = CountingPace()
    await desk.handle(came, asked(*ids(2)))
    assert len(desk.box.given_back) == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"letters": None}, "field-missing"),
        ({"letters": []}, "field-missing"),
        ({"letters": ["7:9:0:-1"]}, "letter-unknown"),
        ({"letters": ["7:0:0:-1", "7:9:0:-1"]}, "letter-unknown"),
        ({"letters": ["claim-orchestrator/7:0:0:-1"]}, "letter-id-invalid"),
        ({"letters": ["7:0:0"]}, "letter-id-invalid"),
        ({"letters": ["-7:0:0:-1"]}, "letter-id-invalid"),
        ({"letters": ["+5561988880000"]}, "letter-id-invalid"),
        ({"letters": [f"7:{n}:0:-1" for n in range(LETTERS_MAX + 1)]}, "letters-too-many"),
        ({"target": "somebody"}, "service-unknown"),
        ({"target": ""}, "service-unknown"),
        ({"rate": 0}, "rate-invalid"),
        ({"rate": 1_001}, "rate-invalid"),
        ({"verb": "CLAIM_RESUME"}, "value-unknown"),
        ({"reason": ""}, "field-missing"),
        ({"reason": "x" * 201}, "field-too-long"),
        ({"reason": "João called from +5561988880000"}, "reason-holds-personal-data"),
        ({"token": "junk"}, "token-invalid"),
        ({"token": "personal"}, "field-invalid"),
    ],
)
async def test_bad_request_is_refused_by_name(changes: dict[str, object], reason: str) -> None:
    desk = Desk(1)
    record = asked(*ids(1)) | changes
    with pytest.raises(InputRefused) as refused:
        await desk.handle(delivery(str(record["target"])), record)
    assert refused.value.reason_code == reason
    assert "5561988880000" not in str(refused.value)
    assert (desk.outcomes, desk.actions.events, desk.box.given_back) == ({}, [], [])


async def test_five_hundred_letters_are_one_request() -> None:
    desk = Desk(LETTERS_MAX)
    await desk.handle(delivery(), asked(*ids(LETTERS_MAX)))
    assert len(desk.box.given_back) == LETTERS_MAX


async def test_request_about_another_service_than_its_subject() -> None:
    with pytest.raises(InputRefused, match="subject-differs"):
        await Desk(1).handle(delivery("audit-sink"), asked(*ids(1)))


@pytest.mark.parametrize(
    "changes",
    [{"letters": ["7:1:0:-1"]}, {"verb": DISCARD}, {"rate": 1_000}, {"target": "audit-sink"}, {}],
)
async def test_token_of_another_request_opens_none(changes: dict[str, object]) -> None:
    desk, seen = Desk(2), delivery()
    stolen = bound_token("good", seen.key.command_id, asked(*ids(1)))
    forged = asked(*ids(1)) | changes | {"token": stolen}
    came = delivery(str(forged["target"]))
    if changes:
        came = Delivery(seen.key, came.envelope, NOW)
    with pytest.raises(InputRefused, match="token-invalid"):
        await desk.handle_as_it_is(came, forged)
    assert (desk.outcomes, desk.actions.events) == ({}, [])


async def test_same_id_with_other_content_is_refused() -> None:
    desk, came = Desk(2), delivery()
    await desk.handle(came, asked(ids(2)[0]))
    other = Delivery(InboxKey(came.key.consumer, came.key.command_id, (b"b",)), came.envelope, NOW)
    with pytest.raises(InputRefused, match="command-id-reused"):
        await desk.handle(other, asked(ids(2)[1]))
    assert list(desk.outcomes) == ["7:0:0:-1"]


async def test_refusal_is_told_by_the_desk_once() -> None:
    desk, came = Desk(), delivery()
    refuse = Refusals(desk.actions, Rejections(desk.composer, SOURCE), FixedClock())
    for _ in range(2):
        about = ("dead-letters", SERVICE)
        await refuse(came.key, came.envelope, about, InputRefused("letter-unknown", "none"))
    (event, _) = desk.composer.composed
    assert (event.name, event.envelope.source) == ("command.rejected", SOURCE)
    assert len(desk.actions.events) == 1
    assert await desk.actions.seen(came.key) is Seen.SETTLED
