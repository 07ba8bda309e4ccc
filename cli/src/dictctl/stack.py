"""`dictctl stack`: which servers answer."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import grpc.aio
import pulsar.asyncio
import typer

from dict_common.bus import client as pulsar_client
from dict_common.bus.client import answered
from dict_common.console.environment import shared
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, show_rows
from dict_common.durable.client import TemporalConnection
from dict_common.durable.client import connect as connect_temporal
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.settings.shared import SharedSettings
from dict_common.store.database import open_connection
from dict_schemas.topics import topics
from dictctl.pulsar_admin import PulsarAdmin

app = typer.Typer(no_args_is_help=True, help="The servers that DICT Connect stands on.")

CHECK_SECONDS_MAX = 10.0

Check = Callable[[SharedSettings], Awaitable[None]]


@app.command()
def status(output: Output = Format.TABLE) -> None:
    """Asks each server in its own protocol; exit 3 if one does not answer."""
    rows = asyncio.run(_status())
    show_rows(rows, output, ("server", "address", "answers", "milliseconds", "problem"), "")
    if not all(row["answers"] for row in rows):
        raise CommandFailed(Exit.UNREACHABLE, "a server does not answer", "./dev up")


async def _status() -> list[dict[str, object]]:
    settings = shared()
    checks: dict[str, tuple[str, Check]] = {
        "postgres": (settings.postgres_url, _postgres),
        "pulsar": (settings.pulsar_url, _pulsar),
        "temporal": (settings.temporal_address, _temporal),
        "bridge": (settings.bridge_address, _bridge),
    }
    return list(
        await asyncio.gather(
            *(_row(name, address, check, settings) for name, (address, check) in checks.items())
        )
    )


async def _row(
    name: str, address: str, check: Check, settings: SharedSettings
) -> dict[str, object]:
    start = time.perf_counter()
    problem = None
    try:
        await asyncio.wait_for(check(settings), CHECK_SECONDS_MAX)
    except Exception as error:  # noqa: BLE001 whatever is wrong is what the operator wants to see
        problem = f"{type(error).__name__}: {error}"
    milliseconds = round((time.perf_counter() - start) * 1000)
    return {
        "server": name,
        "address": address,
        "answers": problem is None,
        "milliseconds": milliseconds,
        "problem": problem,
    }


async def _postgres(settings: SharedSettings) -> None:
    connection = await open_connection(settings.postgres_url, "operator_ro")
    try:
        await connection.fetchval("SELECT 1")
    finally:
        await connection.close()


async def _pulsar(settings: SharedSettings) -> None:
    async with PulsarAdmin(settings.pulsar_admin_url) as admin:
        await admin.send("GET", "/brokers/health", None, "answer its health check")
    client: pulsar.asyncio.Client = pulsar_client.connect(settings.pulsar_url)
    try:
        first = topics()[0].full_name(settings.pulsar_tenant)
        await answered(client.get_topic_partitions(first), f"look up {first}")
    finally:
        await pulsar_client.close(client)


async def _temporal(settings: SharedSettings) -> None:
    keyset = KeysetFolder(settings.keys_dir).private("temporal-codec")
    client = await connect_temporal(
        TemporalConnection(settings.temporal_address, settings.temporal_namespace, keyset)
    )
    await client.count_workflows()


async def _bridge(settings: SharedSettings) -> None:
    async with grpc.aio.insecure_channel(settings.bridge_address) as channel:
        await channel.channel_ready()
