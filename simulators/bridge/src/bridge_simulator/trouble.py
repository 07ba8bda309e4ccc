"""Makes ordered faults happen to the calls of the Bridge."""

import asyncio
import logging
from contextlib import suppress

from google.protobuf.message import Message

from bridge_simulator import fault_rows
from bridge_simulator.faults import Effect, Fault, call_of
from bridge_simulator.store import Store

SILENCE_SECONDS_MAX = 86_400
"""A client without a deadline of its own is let go after that."""

logger = logging.getLogger("bridge_simulator")


class ConnectionCut(Exception):
    """The call ends as a broken connection looks: UNAVAILABLE, and no problem document."""


class Trouble:
    """Every call of the Bridge is met once, and asked for what comes before and after its effect.

    `ending` is set when the server stops: then nobody is kept waiting any more.
    """

    def __init__(self, store: Store, ending: asyncio.Event) -> None:
        self._store = store
        self._ending = ending

    def meet(self, request: Message) -> Fault | None:
        """The fault that hits this call, its firing committed.

        In an outage no fault is asked: raises ConnectionCut, or the outage's DictProblem.
        """
        call = call_of(request)
        with self._store.transaction() as db:
            outage = fault_rows.find_outage(db)
            fault = fault_rows.take(db, call) if outage is None else None
        if outage is not None:
            if outage.problem is not None:
                raise outage.problem.as_refusal()
            raise ConnectionCut
        if fault is not None:
            logger.info("fault %s hits %s", fault.effect.value, call.operation)
        return fault

    async def before(self, fault: Fault | None) -> None:
        """What happens before the rules are asked. Raises DictProblem and ConnectionCut."""
        if fault is None:
            return
        match fault.effect:
            case Effect.PROBLEM:
                assert fault.problem is not None, "a plan is checked when it is set"
                raise fault.problem.as_refusal()
            case Effect.DELAY_BEFORE:
                await self._pause(fault.delay_ms / 1000)
            case Effect.SILENCE_BEFORE:
                await self._fall_silent()
            case Effect.CUT_BEFORE:
                raise ConnectionCut

    async def after(self, fault: Fault | None) -> None:
        """What happens to the answer, whatever the rules said. Raises ConnectionCut."""
        if fault is None:
            return
        match fault.effect:
            case Effect.DELAY_AFTER:
                await self._pause(fault.delay_ms / 1000)
            case Effect.SILENCE_AFTER:
                await self._fall_silent()
            case Effect.CUT_AFTER:
                raise ConnectionCut

    async def _fall_silent(self) -> None:
        """Until the client gives up: then gRPC cancels the call, and this with it."""
        await self._pause(SILENCE_SECONDS_MAX)
        raise ConnectionCut

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)
