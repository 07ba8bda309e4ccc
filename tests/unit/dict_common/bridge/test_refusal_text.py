"""What the Bridge says with a refusal is DICT's text and may name a person: it gets into no log."""

import traceback
from typing import Any, NoReturn
from uuid import uuid4

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from dict_common.bridge.grpc_directory import GrpcDirectory
from dict_common.ports.directory import CallContext, DirectoryUnreachable
from dict_common.testing.directory_suite import CLAIMER
from dict_common.testing.ledger import InMemoryRequestLedger

TEXT = "João Silva, account 0007654321"


class Refusing:
    """A channel to a Bridge that says too much."""

    def unary_unary(self, *_: Any, **__: Any) -> Any:
        """Any method."""

        async def method(*_: Any, **__: Any) -> NoReturn:
            status, none = grpc.StatusCode.FAILED_PRECONDITION, Metadata()
            raise AioRpcError(status, none, none, details=TEXT, debug_error_string=TEXT)

        return method

    unary_stream = unary_unary


async def test_chain_of_the_error_holds_no_text_of_the_bridge() -> None:
    directory = GrpcDirectory(Refusing(), InMemoryRequestLedger())  # type: ignore[arg-type]
    with pytest.raises(DirectoryUnreachable) as refused:
        await directory.get_claim(uuid4(), CLAIMER, CallContext("claim-x:GetClaim:1"))
    logged = "".join(traceback.format_exception(refused.value))
    assert "FAILED_PRECONDITION" in logged
    assert TEXT not in logged
