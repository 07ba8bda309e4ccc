"""Replays at the desk, over fakes: taken once, told once, refused by name."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from audit_sink.application.replay_desk import (
    ACTIVE_MAX,
    SOURCE,
    Change,
    Known,
    Replay,
    ReplayDesk,
    ReplayOrders,
    require_room,
)
from audit_sink.domain.replay import CHANGES, Sandbox, State, Verb, allowed
from dict_common.intake.operators import OperatorDoor
from dict_common.kernel.bound_tokens import bound_token
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import InputRefused, Unavailable
from dict_common.ports.inbox import Delivery, InboxKey, Seen
from dict_common.ports.outgoing import OutgoingEvent
from tests.support.desk_fakes import InMemoryLetterActions, RecordingComposer
from tests.support.replay_orders_suite import ReplayOrdersSuite

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TOPICS = frozenset({"claim.created", "workflow.step"})


class InMemoryReplayOrders(InMemoryLetterActions):
    """ReplayOrders over one memory, with the inbox of the desk's other fake."""

    def __init__(self) -> None:
        super().__init__()
        self.replays: dict[UUID, tuple[Replay, tuple[str, str], Known]] = {}

    async def known(self, run_id: UUID) -> Known | None:
        """The replay of that id."""
        return self.replays[run_id][2] if run_id in self.replays else None

    async def active(self) -> int:
        """Those that have not ended."""
        ended = {State.COMPLETED, State.CANCELLED}
        return sum(known.state not in ended for _, _, known in self.replays.values())

    async def begin(
        self,
        request: InboxKey,
        replay: Replay | None,
        asked_by: tuple[str, str],
        events: Sequence[OutgoingEvent],
    ) -> None:
        """Once."""
        fresh = await self.seen(request) is Seen.NEW
        if fresh and replay is not None:
            require_room(await self.active())
        await self.take(request, None, events)
        if fresh and replay is not None:
            self.replays[request.command_id] = replay, asked_by, Known(State.RUNNING, None)

    async def change(
        self, request: InboxKey, change: Change | None, events: Sequence[OutgoingEvent]
    ) -> None:
        """If it still stands so."""
        if change is not None and await self.seen(request) is Seen.NEW:
            replay, asked_by, known = self.replays[change.run_id]
            if known != change.before:
                raise Unavailable("replay-moved", "again")
            self.replays[change.run_id] = replay, asked_by, change.after
        await self.take(request, None, events)


class TestInMemoryReplayOrders(ReplayOrdersSuite):
    """The fake."""

    def setup_method(self) -> None:
        """One memory a test."""
        self.memory = InMemoryReplayOrders()

    async def orders(self) -> ReplayOrders:
        """In memory."""
        return self.memory

    async def told(self, id_: UUID) -> int:
        """In memory."""
        return sum(event.envelope.id == id_ for event in self.memory.events)

    async def sandbox_is(self, run_id: UUID, state: Sandbox) -> None:
        """As a replayer would have it."""
        replay, asked_by, known = self.memory.replays[run_id]
        self.memory.replays[run_id] = replay, asked_by, Known(known.state, state)


def asked(verb: Verb, target: UUID, **changes: object) -> dict[str, object]:
    """A good `operator.request` about a replay."""
    starts = verb is Verb.REPLAY_START
    return {
        "verb": str(verb),
        "target": str(target),
        "reason": "OPS-1",
        "dry_run": False,
        "token": "good",
        "topics": ["claim.created", "claim.created"] if starts else None,
        "published_from": None,
        "published_until": None,
        "sandbox": starts or None,
    } | changes


def delivery(subject: UUID, id_: UUID | None = None) -> Delivery:
    """A request as it came; a start's id is the run's."""
    envelope = Envelope(id_ or uuid4(), "operator.request", "/core", NOW, str(subject), "replay")
    return Delivery(InboxKey("audit-desk.operator", envelope.id, (b"a",)), envelope, NOW)


class Desk:
    """The use case over one memory."""

    def __init__(self) -> None:
        self.orders, self.composer = InMemoryReplayOrders(), RecordingComposer()
        self._act = ReplayDesk(self.orders, self.composer, TOPICS)
        self._door = OperatorDoor(self.orders, self, self._act)

    def subject_of(self, _token: str, _at: datetime) -> str:
        """OperatorTokens: every token is good."""
        return "op-17"

    async def handle(self, came: Delivery, record: dict[str, object]) -> None:
        """With a token that was made for it."""
        token = bound_token(str(record["token"]), came.key.command_id, record)
        await self._door(came, record | {"token": token})

    async def started(self, **changes: object) -> UUID:
        """A replay; its run id."""
        run_id = uuid4()
        await self.handle(delivery(run_id, run_id), asked(Verb.REPLAY_START, run_id, **changes))
        return run_id

    def stands(self, run_id: UUID, state: State, sandbox: Sandbox | None = None) -> None:
        """As a replayer would have left it."""
        replay, asked_by, _ = self.orders.replays[run_id]
        self.orders.replays[run_id] = replay, asked_by, Known(state, sandbox)


async def test_taken_once_and_told_once() -> None:
    desk, run_id = Desk(), uuid4()
    since = datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(3):
        await desk.handle(
            delivery(run_id, run_id), asked(Verb.REPLAY_START, run_id, published_from=since)
        )
    ((replay, asked_by, known),) = desk.orders.replays.values()
    assert (replay.topics, replay.published.since, replay.sandbox) == (
        ("claim.created",),
        since,
        True,
    )
    assert (asked_by, known) == (("op-17", "OPS-1"), Known(State.RUNNING, None))
    (event,) = desk.composer.composed
    assert event.envelope.source == SOURCE
    assert (event.record["target_type"], event.record["target_id"]) == ("replay", str(run_id))
    assert (event.record["topics"], event.record["sandbox"]) == (["claim.created"], True)
    assert event.record["published_from"] == since


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.REPLAY_START])
async def test_every_verb_in_every_state(verb: Verb, state: State) -> None:
    desk = Desk()
    run_id = await desk.started()
    desk.stands(run_id, state, Sandbox.THERE)
    if (verb, state) not in CHANGES:
        with pytest.raises(InputRefused, match="replay-state"):
            await desk.handle(delivery(run_id), asked(verb, run_id))
        assert verb not in allowed(state)
        return
    await desk.handle(delivery(run_id), asked(verb, run_id))
    dropped = verb in {Verb.REPLAY_CANCEL, Verb.REPLAY_DROP}
    sandbox = Sandbox.TO_DROP if dropped else Sandbox.THERE
    assert await desk.orders.known(run_id) == Known(CHANGES[verb, state], sandbox)
    assert desk.composer.records[-1]["verb"] == verb


@pytest.mark.parametrize("sandbox", [None, Sandbox.TO_DROP, Sandbox.DROPPED])
async def test_no_sandbox_is_dropped_twice(sandbox: Sandbox | None) -> None:
    desk = Desk()
    run_id = await desk.started()
    desk.stands(run_id, State.COMPLETED, sandbox)
    with pytest.raises(InputRefused, match="sandbox-missing"):
        await desk.handle(delivery(run_id), asked(Verb.REPLAY_DROP, run_id))


async def test_dry_run_is_told_and_changes_nothing() -> None:
    desk = Desk()
    await desk.started(dry_run=True)
    assert desk.orders.replays == {}
    run_id = await desk.started()
    await desk.handle(delivery(run_id), asked(Verb.REPLAY_PAUSE, run_id, dry_run=True))
    assert await desk.orders.known(run_id) == Known(State.RUNNING, None)
    outcomes = [record["outcome"] for record in desk.composer.records]
    assert outcomes == ["would-be-accepted", "accepted", "would-be-accepted"]


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("topic-unknown", {"topics": ["claim.created", "claim.create"]}),
        ("field-missing", {"topics": []}),
        ("field-missing", {"topics": None}),
        ("time-range-empty", {"published_from": NOW, "published_until": NOW}),
        ("reason-holds-personal-data", {"reason": "call 11987654321"}),
        ("value-unknown", {"verb": "REPLAY_THE_WORLD"}),
        ("run-id-invalid", {"target": "yesterday"}),
        ("subject-differs", {"target": str(UUID(int=5))}),
    ],
)
async def test_malformed_request_is_refused_by_name(
    reason: str, changes: dict[str, object]
) -> None:
    run_id = uuid4()
    came = delivery(run_id, run_id)
    if reason == "run-id-invalid":
        came = Delivery(came.key, came.envelope._replace(subject="yesterday"), NOW)
    with pytest.raises(InputRefused, match=reason):
        await Desk().handle(came, asked(Verb.REPLAY_START, run_id) | changes)


async def test_run_id_is_the_starts_own() -> None:
    run_id = uuid4()
    with pytest.raises(InputRefused, match="run-id-differs"):
        await Desk().handle(delivery(run_id), asked(Verb.REPLAY_START, run_id))


async def test_nobody_changes_what_nobody_started() -> None:
    run_id = uuid4()
    with pytest.raises(InputRefused, match="replay-unknown"):
        await Desk().handle(delivery(run_id), asked(Verb.REPLAY_PAUSE, run_id))


async def test_too_many_at_once_are_refused() -> None:
    desk = Desk()
    runs = [await desk.started() for _ in range(ACTIVE_MAX)]
    with pytest.raises(InputRefused, match="replays-too-many"):
        await desk.started()
    desk.stands(runs[0], State.COMPLETED)
    await desk.started()
