"""The exam that ReplayOrders passes, fake and adapter alike."""

import asyncio
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from uuid import UUID

import pytest

from audit_sink.application.replay_desk import ACTIVE_MAX, Change, Known, Replay, ReplayOrders
from audit_sink.domain.positions import Published
from audit_sink.domain.replay import Sandbox, State
from dict_common.kernel.errors import InputRefused, Unavailable
from dict_common.ports.inbox import Seen
from tests.support.letter_actions_suite import event, key

REPLAY = Replay(("claim.created",), Published(datetime(2026, 1, 1, tzinfo=UTC)), sandbox=True)
BY = ("op-17", "OPS-1")
FRESH, HELD = Known(State.RUNNING, None), Known(State.PAUSED, None)


class ReplayOrdersSuite(ABC):
    """What the port promises."""

    @abstractmethod
    async def orders(self) -> ReplayOrders:
        """The port."""

    @abstractmethod
    async def told(self, id_: UUID) -> int:
        """How many events of that id stand in the outbox."""

    @abstractmethod
    async def sandbox_is(self, run_id: UUID, state: Sandbox) -> None:
        """Puts a run's sandbox into a state."""

    async def test_begun_once_with_its_event(self) -> None:
        orders, request, told = await self.orders(), key(), event()
        before = await orders.active()
        for _ in range(2):
            await orders.begin(request, REPLAY, BY, (told,))
        assert await orders.known(request.command_id) == FRESH
        assert await orders.active() == before + 1
        assert await orders.seen(request) is Seen.OPEN
        assert await self.told(told.envelope.id) == 1

    async def test_dry_run_is_told_alone(self) -> None:
        orders, request, told = await self.orders(), key(), event()
        await orders.begin(request, None, BY, (told,))
        assert await orders.known(request.command_id) is None
        assert await self.told(told.envelope.id) == 1

    async def test_changed_once(self) -> None:
        orders, started, request, told = await self.orders(), key(), key(), event()
        await orders.begin(started, REPLAY, BY, (event(),))
        for _ in range(2):
            await orders.change(request, Change(started.command_id, FRESH, HELD), (told,))
        assert await orders.known(started.command_id) == HELD
        assert await self.told(told.envelope.id) == 1

    async def test_ended_is_active_no_more_and_keeps_its_end(self) -> None:
        orders, started = await self.orders(), key()
        await orders.begin(started, REPLAY, BY, (event(),))
        before = await orders.active()
        await self.sandbox_is(started.command_id, Sandbox.THERE)
        there = Known(State.RUNNING, Sandbox.THERE)
        ended = Known(State.CANCELLED, Sandbox.TO_DROP)
        await orders.change(key(), Change(started.command_id, there, ended), (event(),))
        assert await orders.active() == before - 1
        assert await orders.known(started.command_id) == ended

    async def test_moved_meanwhile_stores_nothing(self) -> None:
        orders, started, request, told = await self.orders(), key(), key(), event()
        await orders.begin(started, REPLAY, BY, (event(),))
        with pytest.raises(Unavailable, match="replay-moved"):
            await orders.change(request, Change(started.command_id, HELD, FRESH), (told,))
        assert await orders.seen(request) is Seen.NEW
        assert await self.told(told.envelope.id) == 0

    async def test_other_content_under_the_same_id_is_refused(self) -> None:
        orders, request = await self.orders(), key()
        await orders.begin(request, REPLAY, BY, (event(),))
        with pytest.raises(InputRefused, match="command-id-reused"):
            await orders.begin(key(b"\x00other", request.command_id), REPLAY, BY, (event(),))

    async def test_no_more_than_the_maximum_however_many_begin_at_once(self) -> None:
        orders, requests = await self.orders(), [key() for _ in range(ACTIVE_MAX + 4)]
        room = ACTIVE_MAX - await orders.active()
        begun = await asyncio.gather(
            *(orders.begin(it, REPLAY, BY, (event(),)) for it in requests), return_exceptions=True
        )
        refused = [it for it in begun if it is not None]
        assert {str(it).partition(":")[0] for it in refused} == {"replays-too-many"}
        assert len(refused) == len(requests) - room
        for request, failure in zip(requests, begun, strict=True):
            assert await orders.seen(request) is (Seen.OPEN if failure is None else Seen.NEW)
            if failure is None:
                ended = Known(State.CANCELLED, None)
                await orders.change(key(), Change(request.command_id, FRESH, ended), (event(),))
        assert await orders.active() == ACTIVE_MAX - room
