"""The client to Temporal, with the codec every process of ours shares."""

import dataclasses
from dataclasses import dataclass

import temporalio.converter
import tink
from temporalio.client import Client
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.service import RPCError

from dict_common.durable.codec import SealingCodec
from dict_common.kernel.errors import Unavailable


@dataclass(frozen=True)
class TemporalConnection:
    """Where Temporal is. `address` is host:port."""

    address: str
    namespace: str
    keyset: tink.KeysetHandle


def sealed_converter(connection: TemporalConnection) -> temporalio.converter.DataConverter:
    """JSON payloads, sealed; failure messages and stack traces sealed too."""
    return dataclasses.replace(
        temporalio.converter.default(),
        payload_codec=SealingCodec(connection.keyset, connection.namespace),
        failure_converter_class=(temporalio.converter.DefaultFailureConverterWithEncodedAttributes),
    )


async def connect(connection: TemporalConnection) -> Client:
    """A connected client. Raises Unavailable."""
    try:
        return await Client.connect(
            connection.address,
            namespace=connection.namespace,
            data_converter=sealed_converter(connection),
            interceptors=[TracingInterceptor()],
        )
    except (RPCError, RuntimeError) as error:
        raise Unavailable("temporal-away", f"{connection.address}: {error}") from error


def as_unavailable(error: RPCError) -> Unavailable:
    """A call that Temporal did not do. Whatever the reason, no message is at fault: a namespace
    or a search attribute that is missing is repaired by an operator, and then the call succeeds."""
    return Unavailable("temporal-failed", f"{error.status.name}: {error.message}")
