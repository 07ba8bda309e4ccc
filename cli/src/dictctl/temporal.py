"""`dictctl temporal`: the namespace and what workflows are found by."""

import asyncio
from datetime import timedelta

import typer
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from dict_common.console.environment import shared
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import say
from dict_common.durable.client import TemporalConnection, as_unavailable, connect
from dict_common.secrecy.keysets import KeysetFolder
from dict_schemas.temporal import temporal_names

app = typer.Typer(no_args_is_help=True, help="Temporal: namespace and search attributes.")

RETENTION = timedelta(days=90)
"""Closed workflows stay this long: ids are refused a second time until then."""
SETTLE_ATTEMPTS_MAX = 100
SETTLE_SECONDS = 0.2


@app.callback()
def temporal() -> None:
    """Temporal: namespace and search attributes."""


@app.command()
def apply() -> None:
    """Makes the namespace and registers search attributes, each if missing."""
    done = asyncio.run(_apply())
    for line in done:
        say(f"made {line}")
    if not done:
        say("nothing to do")


async def _apply() -> list[str]:
    settings = shared()
    keyset = KeysetFolder(settings.keys_dir).private("temporal-codec")
    client = await connect(
        TemporalConnection(settings.temporal_address, settings.temporal_namespace, keyset)
    )
    try:
        done = await _namespace(client)
        return done + await _attributes(client)
    except RPCError as error:
        raise as_unavailable(error) from error


async def _namespace(client: Client) -> list[str]:
    retention = Duration()
    retention.FromTimedelta(RETENTION)
    try:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(
                namespace=client.namespace, workflow_execution_retention_period=retention
            )
        )
    except RPCError as error:
        if error.status is RPCStatusCode.ALREADY_EXISTS:
            return []
        raise
    return [f"namespace {client.namespace}"]


async def _attributes(client: Client) -> list[str]:
    missing = await _missing(client)
    if not missing:
        return []
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=client.namespace,
            search_attributes={
                name: IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{kind.upper()}")
                for name, kind in missing.items()
            },
        )
    )
    for _ in range(SETTLE_ATTEMPTS_MAX):  # the server's front ends learn of them within seconds
        if not await _missing(client):
            return [f"search attribute {name}" for name in missing]
        await asyncio.sleep(SETTLE_SECONDS)
    raise CommandFailed(
        Exit.FAILED, f"Temporal does not show {', '.join(missing)}", "dictctl temporal apply"
    )


async def _missing(client: Client) -> dict[str, str]:
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    wanted = temporal_names().search_attributes
    return {name: kind for name, kind in wanted.items() if name not in known.custom_attributes}
