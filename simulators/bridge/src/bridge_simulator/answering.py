"""Around every call: its ids, its bucket, and a refusal as status with the problem behind it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, TypeAlias, TypeVar

import grpc

from bridge_simulator import formats
from bridge_simulator.buckets import Buckets
from bridge_simulator.directory import Directory
from bridge_simulator.messages import problem_message
from bridge_simulator.problems import DictProblem

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
    """Runs one call's work; the logs get names and ids, nothing personal."""

    def __init__(self, directory: Directory, buckets: Buckets) -> None:
        self._directory = directory
        self._buckets = buckets

    async def answer(
        self,
        context: Context,
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
        try:
            if policy is not None:
                formats.require_participant(policy[0])
                self._buckets.take(*policy, self._directory.now())
            result = work(receipt)
        except DictProblem as problem:
            _log_call(receipt, problem.type_name, started)
            await _abort(context, problem, receipt)
        except Exception:
            logger.exception("the simulator itself has failed")
            await _abort(context, DictProblem("InternalServerError"), receipt)
        _log_call(receipt, "OK", started)
        return result


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
