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


async def close(client: pulsar.asyncio.Client) -> None:
    """Closes the client; its threads get a moment, else they abort at the interpreter's end."""
    try:
        await client.close()
    except pulsar.asyncio.PulsarException:
        return  # closing a client that lost its broker fails, and there is nothing left to lose
    await asyncio.sleep(0.1)
