"""The doors of a service: topics that it consumes as commands, and the one by which dead letters
of these topics come back.

A message that comes back is handled as it first came: by the same door, under the same inbox key.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import pulsar.asyncio
from opentelemetry.trace import SpanKind

from dict_common.bus.avro import Record
from dict_common.bus.commands import Command, CommandReader
from dict_common.bus.consumer import Consumer, Handlers, Subscription
from dict_common.bus.dead_letters import DeadLetters
from dict_common.bus.incoming import Incoming
from dict_common.bus.redrive import BuriedAgain, original, redrive_topic
from dict_common.bus.together import Piece
from dict_common.kernel.errors import InputRefused, Undeliverable
from dict_common.ports.inbox import Delivery, InboxKey
from dict_common.ports.sealing import FieldOpener
from dict_common.secrecy.hybrid import HybridOpener
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.telemetry.traces import span
from dict_schemas.topics import REDRIVE, Topic

Act = Callable[[Delivery, Command], Awaitable[None]]
Refuse = Callable[[Delivery, Command, InputRefused], Awaitable[None]]
Ids = Callable[[Command], Mapping[str, str]]
Mine = Callable[[Record], bool]


def _any(_record: Record) -> bool:
    return True


@dataclass(frozen=True)
class Door:
    """A topic that is consumed: under which subscription (the inbox's consumer too), what is done
    with a command, how its refusal is told, and the ids that its span shows.

    `mine`: whether a command, personal fields still sealed, is this service's: another's is
    acknowledged in silence, and needs no key here. `opener`: of an event's personal fields, which
    are sealed otherwise than a command's.
    """

    topic: Topic
    subscription: str
    act: Act
    refuse: Refuse
    ids: Ids
    mine: Mine = _any
    opener: FieldOpener | None = None


@dataclass(frozen=True)
class Link:
    """What doors are opened with. `service` has the dead letters."""

    client: pulsar.asyncio.Client
    tenant: str
    service: str
    opener: HybridOpener
    rest: TinkRestSealer


def open_doors(link: Link, doors: Sequence[Door], ready: Callable[[], None]) -> list[Piece]:
    """A consumer for each door and one for what comes back; `ready` is called once all subscribed.

    Each piece raises Unavailable if it cannot subscribe.
    """
    redriven = f"{link.service}{REDRIVE}"
    waiting = {*(door.subscription for door in doors), redriven}

    def opened(subscription: str) -> None:
        waiting.discard(subscription)
        if not waiting:
            ready()

    handlers: dict[str, Handlers] = {}
    pieces: list[Piece] = []
    for door in doors:
        name = door.topic.full_name(link.tenant)
        letters = DeadLetters(link.client, link.tenant, link.service, link.rest)
        consumer = Consumer(link.client, Subscription(name, door.subscription), letters)
        handlers[name] = _handlers(link, door, consumer)
        pieces.append(_piece(consumer, handlers[name], door.subscription, opened))
    back = Consumer(
        link.client,
        Subscription(redrive_topic(link.tenant, link.service), redriven),
        BuriedAgain(link.client, link.tenant, link.service, link.rest),
    )
    pieces.append(_piece(back, _by_origin(link, handlers), redriven, opened))
    return pieces


def _piece(
    consumer: Consumer, handlers: Handlers, subscription: str, opened: Callable[[str], None]
) -> Piece:
    async def run(stop: asyncio.Event) -> None:
        await consumer.run(handlers, stop, lambda: opened(subscription))

    return run


def _handlers(link: Link, door: Door, consumer: Consumer) -> Handlers:
    opener = door.opener or link.opener
    reader = CommandReader(door.topic.name, consumer.schemas, opener, link.rest)

    async def handle(message: Incoming) -> None:
        sealed = await reader.sealed(message)
        if not door.mine(sealed.record):
            return
        command = await reader.opened(sealed)
        ids = {"ce_id": str(command.envelope.id), **door.ids(command)}
        with span(door.topic.name, command.envelope.traceparent, SpanKind.CONSUMER, ids):
            await door.act(_delivery(door, message, command), command)

    async def refuse(message: Incoming, error: InputRefused) -> None:
        command = await reader.read(message)
        await door.refuse(_delivery(door, message, command), command, error)

    return Handlers(handle, refuse)


def _by_origin(link: Link, doors: Mapping[str, Handlers]) -> Handlers:
    """To the door that a message first came to."""

    def opened(message: Incoming) -> tuple[Incoming, Handlers]:
        found = original(link.service, message, link.rest)
        if found.topic not in doors:
            raise Undeliverable(
                "topic-unknown",
                f"{link.service} of this release does not consume {found.topic}: deploy the one "
                "that does, then redrive this message",
            )
        return found, doors[found.topic]

    async def handle(message: Incoming) -> None:
        found, door = opened(message)
        await door.handle(found)

    async def refuse(message: Incoming, error: InputRefused) -> None:
        found, door = opened(message)
        await door.refuse(found, error)

    return Handlers(handle, refuse)


def _delivery(door: Door, message: Incoming, command: Command) -> Delivery:
    key = InboxKey(door.subscription, command.envelope.id, command.fingerprints)
    return Delivery(key, command.envelope, message.published_at)
