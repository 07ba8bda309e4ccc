"""The Bridge over gRPC. A call's row is durable before the call leaves, its answer when it came.

Problem documents hold keys and CPFs in `detail` and `violations[].value`: they are sealed into
`connect.bridge_requests` here, and only type, status, title and Retry-After go on.
"""

import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import grpc
import grpc.aio
from google.protobuf.json_format import MessageToJson, Parse
from google.protobuf.message import DecodeError, Message

from dict_common.bridge.messages import (
    create_claim_request,
    directory_claim,
    list_claims_request,
)
from dict_common.ports.directory import (
    BridgeCall,
    CallContext,
    CallUnanswered,
    ClaimPage,
    ClaimQuery,
    ClaimRequest,
    DirectoryClaim,
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
_ANSWERS: dict[str, type[Any]] = {
    "CreateClaim": bridge_pb2.CreateClaimResponse,
    "CompleteClaim": bridge_pb2.CompleteClaimResponse,
    "CancelClaim": bridge_pb2.CancelClaimResponse,
}

_Response = TypeVar("_Response", bound=Message)
_Call = Callable[..., Awaitable[_Response]]


class GrpcDirectory:
    """Directory over one gRPC channel."""

    def __init__(self, channel: grpc.aio.Channel, ledger: RequestLedger) -> None:
        self._stub = bridge_pb2_grpc.BridgeStub(channel)
        self._ledger = ledger

    async def create_claim(self, request: ClaimRequest, context: CallContext) -> DirectoryClaim:
        """createClaim."""
        message = create_claim_request(request)
        return await self._claim("CreateClaim", self._stub.CreateClaim, message, context)

    async def get_claim(
        self, claim_id: UUID, participant: str, context: CallContext
    ) -> DirectoryClaim:
        """getClaim."""
        message = bridge_pb2.GetClaimRequest(
            claim_id=str(claim_id), requesting_participant=participant
        )
        return await self._claim("GetClaim", self._stub.GetClaim, message, context)

    async def complete_claim(
        self, claim_id: UUID, participant: str, request_id: UUID, context: CallContext
    ) -> DirectoryClaim:
        """completeClaim."""
        message = bridge_pb2.CompleteClaimRequest(
            claim_id=str(claim_id), participant=participant, request_id=str(request_id)
        )
        return await self._claim("CompleteClaim", self._stub.CompleteClaim, message, context)

    async def cancel_claim(
        self, claim_id: UUID, participant: str, reason: str, context: CallContext
    ) -> DirectoryClaim:
        """cancelClaim."""
        message = bridge_pb2.CancelClaimRequest(
            claim_id=str(claim_id), participant=participant, reason=reason
        )
        return await self._claim("CancelClaim", self._stub.CancelClaim, message, context)

    async def list_claims(self, query: ClaimQuery, context: CallContext) -> ClaimPage:
        """listClaims."""
        call = _call("ListClaims", list_claims_request(query), context)
        opened = await self._ledger.opened(call)
        answer = await self._sent(call, self._stub.ListClaims, list_claims_request(query), opened)
        return ClaimPage(
            tuple(directory_claim(claim) for claim in answer.claims), answer.has_more_elements
        )

    async def _claim(
        self, operation: str, method: "_Call[_Response]", message: Message, context: CallContext
    ) -> DirectoryClaim:
        call = _call(operation, message, context)
        opened = await self._ledger.opened(call)
        if opened.answer is not None and operation in _ANSWERS:
            # Done before, and the process died before it could say so.
            response = _ANSWERS[operation].FromString(b"")
            return directory_claim(Parse(opened.answer, response).claim)
        if operation == "CreateClaim" and opened.after_unknown and not context.looked:
            raise CallUnanswered(context.request_id)
        response = await self._sent(call, method, message, opened)
        return directory_claim(response.claim)

    async def _sent(
        self, call: BridgeCall, method: "_Call[_Response]", message: Message, opened: Opened
    ) -> Any:
        start, refused = time.perf_counter(), None
        try:
            response = await method(
                message, timeout=CALL_SECONDS_MAX, metadata=_metadata(call.context)
            )
        except grpc.aio.AioRpcError as error:
            refused = error
        finally:
            metrics.bridge_latency.labels(call.operation).observe(time.perf_counter() - start)
        if refused is not None:
            # Not within `except`: its text is the Bridge's and may name a person, and whatever
            # fails there would carry it into a log as its context.
            raise await self._failure(call, refused, opened)
        metrics.bridge_calls.labels(call.operation, "ok").inc()
        await self._ledger.answered(call, HTTP_OK, MessageToJson(response, indent=None))
        return response

    async def _failure(
        self, call: BridgeCall, error: grpc.aio.AioRpcError, opened: Opened
    ) -> DirectoryRefused | DirectoryUnreachable:
        problem = _problem(error)
        if problem is None:
            code = error.code().name
            metrics.bridge_calls.labels(call.operation, code).inc()
            await self._ledger.failed(call, code, None, None)
            return DirectoryUnreachable("bridge-unreachable", f"{call.operation}: {code}")
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


def _call(operation: str, message: Message, context: CallContext) -> BridgeCall:
    return BridgeCall(context, operation, MessageToJson(message, indent=None))


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
