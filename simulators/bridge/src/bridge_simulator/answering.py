"""Around every call: its ids, faults and bucket, and a refusal as status with its problem."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NoReturn, TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message

from bridge_simulator import formats
from bridge_simulator.buckets import Buckets
from bridge_simulator.directory import Directory
from bridge_simulator.messages import problem_message
from bridge_simulator.problems import DictProblem
from bridge_simulator.trouble import ConnectionCut, Trouble

PROBLEM_TRAILER = "dict-problem-bin"

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
"""grpc.aio's, which cannot be subscripted at run time."""

T = TypeVar("T")
logger = logging.getLogger("bridge_simulator")


@dataclass(frozen=True)
class Receipt:
    """What every answer carries besides its content."""

    correlation_id: str
    response_time: datetime
    x_request_id: str


class Answering:
    """Runs one call's work; the logs get names and ids, nothing personal.

    `trouble` None: no fault ever happens, as behind the back door.
    """

    def __init__(
        self, directory: Directory, buckets: Buckets, trouble: Trouble | None = None
    ) -> None:
        self._directory = directory
        self._buckets = buckets
        self._trouble = trouble

    async def answer(
        self,
        context: Context,
        request: Message,
        work: Callable[[Receipt], T],
        policy: tuple[str, str] | None = None,
    ) -> T:
        """The result of `work`, or the call is aborted with DICT's problem.

        `policy` is (participant, name): one token is taken before the work.
        """
        started = time.monotonic()
        receipt = Receipt(
            correlation_id=self._directory.new_uuid().hex,
            response_time=self._directory.now(),
            x_request_id=_metadata(context, "x-request-id"),
        )

        def in_order() -> T:
            now = self._directory.now()
            if policy is not None:
                formats.require_participant(policy[0])
                self._buckets.take(*policy, now)
            return work(replace(receipt, response_time=now))

        try:
            result = await self._through_trouble(request, in_order)
        except DictProblem as problem:
            _log_call(receipt, problem.type_name, started)
            await _abort(context, problem, receipt)
        except ConnectionCut:
            _log_call(receipt, "nothing: cut", started)
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the connection is broken")
        except asyncio.CancelledError:
            _log_call(receipt, "nothing: the client gave up", started)
            raise
        except Exception:
            logger.exception("the simulator itself has failed")
            await _abort(context, DictProblem("InternalServerError"), receipt)
        _log_call(receipt, "OK", started)
        return result

    async def _through_trouble(self, request: Message, work: Callable[[], T]) -> T:
        trouble = self._trouble
        if trouble is None:
            return work()
        fault = trouble.meet(request)
        await trouble.before(fault)
        try:
            return work()
        finally:
            await trouble.after(fault)


def _log_call(receipt: Receipt, outcome: str, started: float) -> None:
    logger.info(
        "answered %s correlation_id=%s x_request_id=%s milliseconds=%d",
        outcome,
        receipt.correlation_id,
        receipt.x_request_id,
        (time.monotonic() - started) * 1000,
    )


async def _abort(
    context: Context,
    problem: DictProblem,
    receipt: Receipt,
) -> NoReturn:
    message = problem_message(problem, receipt.correlation_id)
    await context.abort(
        problem.kind.grpc_status,
        problem.type_name,
        trailing_metadata=((PROBLEM_TRAILER, message.SerializeToString()),),
    )
    raise AssertionError("abort ends the call")


def _metadata(context: Context, name: str) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == name:
            return value if isinstance(value, str) else value.decode("utf-8", "replace")
    return ""
