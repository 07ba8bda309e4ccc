"""What the Bridge says with a refusal is DICT's text and may name a person: it gets into no log."""

import traceback
from typing import Any, NoReturn
from uuid import uuid4

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from dict_common.bridge.grpc_directory import GrpcDirectory
from dict_common.kernel.errors import Unavailable
from dict_common.ports.directory import BridgeCall, CallContext
from dict_common.testing.directory_suite import CLAIMER
from dict_common.testing.ledger import InMemoryRequestLedger

TEXT = "João Silva, account 0007654321"


class Refusing:
    """A channel to a Bridge that says too much."""

    def __init__(self, *trailing: tuple[str, bytes]) -> None:
        self._trailing = trailing

    def unary_unary(self, *_: Any, **__: Any) -> Any:
        """Any method."""

        async def method(*_: Any, **__: Any) -> NoReturn:
            status, trailing = grpc.StatusCode.FAILED_PRECONDITION, Metadata(*self._trailing)
            raise AioRpcError(status, Metadata(), trailing, details=TEXT, debug_error_string=TEXT)

        return method

    unary_stream = unary_unary


class Away(InMemoryRequestLedger):
    """PostgreSQL is gone by the time the refusal is to be written."""

    async def failed(
        self, call: BridgeCall, error_code: str, status_code: int | None, answer: str | None
    ) -> None:
        """Not written."""
        raise Unavailable("postgres-away", "away")


NO_PROBLEM = ("dict-problem-bin", b"\xff\xff\xff")


@pytest.mark.parametrize(
    ("channel", "ledger", "told"),
    [
        (Refusing(), InMemoryRequestLedger(), "FAILED_PRECONDITION"),
        (Refusing(NO_PROBLEM), InMemoryRequestLedger(), "FAILED_PRECONDITION"),
        (Refusing(), Away(), "postgres-away"),
    ],
    ids=["refusal", "refusal with a document that is none", "refusal that cannot be written"],
)
async def test_chain_of_the_error_holds_no_text_of_the_bridge(
    channel: Any, ledger: InMemoryRequestLedger, told: str
) -> None:
    directory = GrpcDirectory(channel, ledger)
    with pytest.raises(Unavailable) as refused:
        await directory.get_claim(uuid4(), CLAIMER, CallContext("claim-x:GetClaim:1"))
    logged = "".join(traceback.format_exception(refused.value))
    assert told in logged
    assert TEXT not in logged
