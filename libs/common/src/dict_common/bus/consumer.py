"""A consumer: one pump, a lane for each key, every message settled by the table in `settle`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pulsar
import pulsar.asyncio

from dict_common.bus.client import answered
from dict_common.bus.dead_letters import DeadLetters
from dict_common.bus.incoming import Incoming, incoming
from dict_common.bus.lanes import Lanes
from dict_common.bus.schemas import Received
from dict_common.bus.settle import Settlement, as_undeliverable, settlement_of
from dict_common.kernel.errors import DictError, InputRefused, Unavailable
from dict_common.telemetry import metrics
from dict_common.telemetry.logs import logger

KEYS_AT_ONCE = 8
"""Messages of one key keep their order; up to this many keys are worked on at once."""
IN_HAND_MAX = 128
"""Messages taken and not settled. So many of one key that cannot be worked on hold up the rest."""
PAUSE_SECONDS_MIN = 0.2
PAUSE_SECONDS_MAX = 10.0

_log = logger(__name__)

Handle = Callable[[Incoming], Awaitable[None]]
Refuse = Callable[[Incoming, InputRefused], Awaitable[None]]


@dataclass(frozen=True)
class Subscription:
    """What to consume: a full topic name and `<service>.<purpose>`."""

    topic: str
    name: str


@dataclass(frozen=True)
class Handlers:
    """What to do with a message, and how to tell its sender that it was refused."""

    handle: Handle
    refuse: Refuse


class Consumer:
    """Consumes one subscription (Key_Shared) until stopped."""

    def __init__(
        self, client: pulsar.asyncio.Client, subscription: Subscription, dead_letters: DeadLetters
    ) -> None:
        self._client = client
        self._subscription = subscription
        self._dead_letters = dead_letters
        self._stopping = asyncio.Event()
        self._lanes = Lanes()
        self._room = asyncio.Semaphore(IN_HAND_MAX)
        self.schemas = Received()

    async def run(
        self, handlers: Handlers, stop: asyncio.Event, on_ready: Callable[[], None]
    ) -> None:
        """Consumes until `stop`; what was taken and not settled is redelivered to another.

        Raises Unavailable if the subscription cannot be opened.
        """
        consumer = await answered(
            self._client.subscribe(
                self._subscription.topic,
                self._subscription.name,
                consumer_type=pulsar.ConsumerType.KeyShared,
                initial_position=pulsar.InitialPosition.Earliest,
                schema=self.schemas,
                receiver_queue_size=IN_HAND_MAX,
                batch_index_ack_enabled=True,
                negative_ack_redelivery_delay_ms=1_000,
            ),
            f"subscribe {self._subscription.name} to {self._subscription.topic}",
        )
        on_ready()
        workers = [
            asyncio.create_task(self._work(consumer, handlers), name=f"worker-{number}")
            for number in range(KEYS_AT_ONCE)
        ]
        pump = asyncio.create_task(self._pump(consumer), name="pump")
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({pump, stopped, *workers}, return_when=asyncio.FIRST_COMPLETED)
        self._stopping.set()
        await self._leave(consumer, [pump, *workers], stopped)

    async def _leave(
        self,
        consumer: pulsar.asyncio.Consumer,
        tasks: list[asyncio.Task[None]],
        stopped: asyncio.Task[bool],
    ) -> None:
        """Workers finish the message in hand; then the subscription is let go of."""
        stopped.cancel()
        await asyncio.wait(tasks[1:], timeout=PAUSE_SECONDS_MAX)
        try:
            await answered(consumer.close(), "close the consumer")
        finally:
            for task in tasks:
                task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    async def _pump(self, consumer: pulsar.asyncio.Consumer) -> None:
        """The one place that receives: a cancelled receive would swallow a message."""
        while not self._stopping.is_set():
            await self._room.acquire()
            try:
                message = incoming(await answered(consumer.receive(), "receive"))
            except Unavailable:
                if self._stopping.is_set():
                    return
                raise
            self._lanes.put(message)

    async def _work(self, consumer: pulsar.asyncio.Consumer, handlers: Handlers) -> None:
        while not self._stopping.is_set():
            try:
                message = await asyncio.wait_for(self._lanes.next(), 0.5)
            except TimeoutError:
                continue
            if await self._settle(message, handlers):
                await answered(consumer.acknowledge(message.message), "acknowledge")
                self._lanes.done(message)
                self._room.release()

    async def _settle(self, message: Incoming, handlers: Handlers) -> bool:
        """True when the message may be acknowledged; False if a stop came first."""
        attempt, defects = 0, 0
        while not self._stopping.is_set():
            attempt += 1
            error = await _outcome(handlers.handle(message))
            defects += error is not None and not isinstance(error, DictError)
            settlement = settlement_of(error, defects)
            if settlement is Settlement.REFUSED and isinstance(error, InputRefused):
                error = await _outcome(handlers.refuse(message, error))
                settlement = Settlement.REFUSED if error is None else settlement_of(error, defects)
                if error is not None and settlement is Settlement.REFUSED:
                    settlement = Settlement.BURIED  # a refusal that cannot be told is no end
            if settlement is Settlement.BURIED:
                reason = as_undeliverable(error)
                _note(message, settlement, error)
                error = await _outcome(
                    self._dead_letters.bury(message, self._subscription.name, reason)
                )
                settlement = Settlement.BURIED if error is None else Settlement.AGAIN
                if error is None:
                    metrics.dead_letters.labels(self._subscription.name, reason.reason_code).inc()
            if settlement is not Settlement.AGAIN:
                self._count(message, settlement)
                return True
            _note(message, settlement, error)
            await self._pause(attempt)
        return False

    async def _pause(self, attempt: int) -> None:
        paused = metrics.consumer_paused.labels(self._subscription.name)
        paused.set(1)
        seconds = min(PAUSE_SECONDS_MAX, PAUSE_SECONDS_MIN * 2 ** min(attempt, 10))
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            paused.set(0)

    def _count(self, message: Incoming, settlement: Settlement) -> None:
        name = self._subscription.name
        metrics.messages_settled.labels(name, settlement).inc()
        age = (datetime.now(UTC) - message.published_at).total_seconds()
        metrics.message_age.labels(name).observe(max(0.0, age))


async def _outcome(step: Awaitable[None]) -> Exception | None:
    try:
        await step
    except Exception as error:  # noqa: BLE001 the table decides
        return error
    return None


def _note(message: Incoming, settlement: Settlement, error: Exception | None) -> None:
    defect = not isinstance(error, DictError)
    _log.warning(
        f"message-{settlement}",
        topic=message.topic,
        message_id=message.message_id,
        error=str(error),
        exc_info=error if defect else None,
    )
