"""What every call to the Bridge has in common: its row is durable before it leaves, its answer when
it came.

Problem documents hold keys and CPFs in `detail` and `violations[].value`: they are sealed into
`connect.bridge_requests` here, and only type, status, title and Retry-After go on.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf.json_format import MessageToJson, Parse, SerializeToJsonError
from google.protobuf.message import DecodeError, Message

from dict_common.ports.directory import (
    LOOK_FIRST,
    BridgeCall,
    CallContext,
    CallUnanswered,
    DirectoryRefused,
    DirectoryUnreachable,
    Opened,
    RequestLedger,
)
from dict_common.telemetry import metrics
from dict_common.telemetry.traces import current_traceparent
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2, bridge_pb2_grpc

CALL_SECONDS_MAX = 25.0
"""Below the activity's 30 s, so that the outcome is written by the one who knows it."""
PROBLEM_METADATA = "dict-problem-bin"
HTTP_OK = 200
IDLE = "IDLE"
"""The error code of a stream whose next piece did not come in time."""
UNREADABLE = "UNREADABLE"
"""And of an answer that cannot be written down: a time that is none. It is as good as none."""

_Response = TypeVar("_Response", bound=Message)


@dataclass(frozen=True)
class StreamLimits:
    """Of a streamed answer, in seconds: all of it with what its reader takes, and one piece."""

    whole_seconds_max: float
    idle_seconds_max: float


class BridgeCaller:
    """Calls over one gRPC channel, each with its row in the ledger.

    Every call blocks for the ledger and the Bridge, and raises DirectoryRefused,
    DirectoryUnreachable, Unavailable (no ledger), CallUnanswered, RequestReused.
    """

    def __init__(self, channel: grpc.aio.Channel, ledger: RequestLedger) -> None:
        self._stub = bridge_pb2_grpc.BridgeStub(channel)
        self._ledger = ledger

    async def answer(
        self, operation: str, message: Message, answer: type[_Response], context: CallContext
    ) -> _Response:
        """The Bridge's answer; an effect that was answered before is not sent again."""
        call = _call(operation, message, context)
        opened = await self._ledger.opened(call)
        if opened.answer is not None:
            # Done before, and the process died before it could say so.
            return Parse(opened.answer, answer())
        if operation in LOOK_FIRST and opened.after_unknown and not context.looked:
            raise CallUnanswered(context.request_id)

        method: Callable[..., Awaitable[_Response]] = getattr(self._stub, operation)
        start, refused = time.perf_counter(), None
        try:
            response = await method(message, timeout=CALL_SECONDS_MAX, metadata=_metadata(context))
        except grpc.aio.AioRpcError as error:
            refused = error
        finally:
            _measure(operation, start)
        if refused is not None:
            # Not within `except`: its text is the Bridge's and may name a person, and whatever
            # fails there would carry it into a log as its context.
            raise await self._failure(call, refused, opened)
        try:
            text = MessageToJson(response, indent=None)
        except SerializeToJsonError:
            text = None
        if text is None:
            raise await self._unanswered(call, UNREADABLE)
        await self._done(call, text)
        return response

    async def chunks(
        self, operation: str, message: Message, context: CallContext, limits: StreamLimits
    ) -> AsyncIterator[bytes]:
        """The `chunk` of each message of a streamed read, as they come.

        The ledger holds how many bytes came, and none of them. A reader that turns away ends the
        call and leaves its row open.
        """
        call = _call(operation, message, context)
        opened = await self._ledger.opened(call)
        method: Callable[..., Any] = getattr(self._stub, operation)
        stream = method(message, timeout=limits.whole_seconds_max, metadata=_metadata(context))
        start, size, end = time.perf_counter(), 0, _End()
        try:
            while (chunk := await _next(stream, limits.idle_seconds_max, end)) is not None:
                size += len(chunk)
                yield chunk
        finally:
            stream.cancel()
            _measure(operation, start)
        if end.idle:
            raise await self._unanswered(call, IDLE)
        if end.refused is not None:
            raise await self._failure(call, end.refused, opened)
        await self._done(call, json.dumps({"bytes": size}))

    async def _done(self, call: BridgeCall, answer: str) -> None:
        metrics.bridge_calls.labels(call.operation, "ok").inc()
        await self._ledger.answered(call, HTTP_OK, answer)

    async def _failure(
        self, call: BridgeCall, error: grpc.aio.AioRpcError, opened: Opened
    ) -> DirectoryRefused | DirectoryUnreachable:
        problem = _problem(error)
        if problem is None:
            return await self._unanswered(call, error.code().name)
        name = problem.type.rstrip("/").rpartition("/")[2]
        metrics.bridge_calls.labels(call.operation, name).inc()
        document = MessageToJson(problem, indent=None)
        await self._ledger.failed(call, name[:50], problem.status, document)
        retry_after = (
            float(problem.retry_after_seconds) if problem.HasField("retry_after_seconds") else None
        )
        return DirectoryRefused(
            name,
            problem.status,
            problem.title,
            retry_after,
            after_unknown=opened.after_unknown,
        )

    async def _unanswered(self, call: BridgeCall, code: str) -> DirectoryUnreachable:
        metrics.bridge_calls.labels(call.operation, code).inc()
        await self._ledger.failed(call, code, None, None)
        return DirectoryUnreachable("bridge-unreachable", f"{call.operation}: {code}")


@dataclass
class _End:
    """How a stream ended, where not well. Told outside of `except`, as in `answer`."""

    refused: grpc.aio.AioRpcError | None = None
    idle: bool = False


async def _next(stream: Any, idle_seconds_max: float, end: _End) -> bytes | None:
    try:
        async with asyncio.timeout(idle_seconds_max):
            message = await stream.read()
    except grpc.aio.AioRpcError as error:
        end.refused = error
        return None
    except TimeoutError:
        end.idle = True
        return None
    if message is grpc.aio.EOF:
        return None
    chunk: bytes = message.chunk
    return chunk


def _call(operation: str, message: Message, context: CallContext) -> BridgeCall:
    return BridgeCall(context, operation, MessageToJson(message, indent=None))


def _measure(operation: str, start: float) -> None:
    metrics.bridge_latency.labels(operation).observe(time.perf_counter() - start)


def _metadata(context: CallContext) -> tuple[tuple[str, str], ...]:
    present = {
        "x-request-id": context.request_id,
        "x-correlation-id": context.correlation_id,
        "traceparent": current_traceparent(),
    }
    return tuple((name, value) for name, value in present.items() if value is not None)


def _problem(error: grpc.aio.AioRpcError) -> bridge_pb2.Problem | None:
    for name, value in error.trailing_metadata() or ():
        if name == PROBLEM_METADATA and isinstance(value, bytes):
            with contextlib.suppress(DecodeError):  # no problem document: the call was not answered
                return bridge_pb2.Problem.FromString(value)
    return None
