"""The connection to Pulsar: one client for each process."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import pulsar
import pulsar.asyncio

from dict_common.kernel.errors import BROKER_REFUSED, Unavailable

_Answer = TypeVar("_Answer")

OPERATION_SECONDS_MAX = 30

_REFUSALS = {
    pulsar.Result.TopicNotFound,
    pulsar.Result.IncompatibleSchema,
    pulsar.Result.AuthorizationError,
}


def connect(url: str) -> pulsar.asyncio.Client:
    """A client; nothing is opened until the first producer or consumer."""
    return pulsar.asyncio.Client(
        url,
        operation_timeout_seconds=OPERATION_SECONDS_MAX,
        logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error),
    )


async def answered(call: Awaitable[_Answer], what: str) -> _Answer:
    """The broker's answer. Raises Unavailable saying `what` did not succeed and why."""
    try:
        return await call
    except pulsar.asyncio.PulsarException as error:
        refused = error.error() in _REFUSALS
        reason = BROKER_REFUSED if refused else "pulsar-failed"
        raise Unavailable(reason, f"{what}: {error}") from error


class PublishDropped(Unavailable):
    """The broker took the message for a repeat and dropped it: send it by another producer.

    A producer whose first messages met a broker that was away counts anew once it is back, under
    numbers that the broker's deduplication has seen; the client calls that success.
    """

    def __init__(self, what: str) -> None:
        super().__init__("publish-dropped", f"{what}: the broker took it for a repeat")


async def stored(sent: Awaitable[pulsar.MessageId], what: str) -> None:
    """Returns once the message is on its topic. Raises Unavailable, PublishDropped."""
    receipt = await answered(sent, what)
    if receipt.ledger_id() < 0:
        raise PublishDropped(what)


async def close(client: pulsar.asyncio.Client) -> None:
    """Closes the client; its threads get a moment, else they abort at the interpreter's end."""
    try:
        await client.close()
    except pulsar.asyncio.PulsarException:
        return  # closing a client that lost its broker fails, and there is nothing left to lose
    await asyncio.sleep(0.1)
