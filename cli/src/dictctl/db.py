"""`dictctl db`: roles, migrations, and a relay's epoch after a restored backup."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import typer

from dict_common.console.environment import shared
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_rows
from dict_common.store import migrations, roles
from dict_common.store.database import open_connection, timed_fetch
from dict_common.store.migrations import MigrationState
from dict_common.store.queries import load_queries
from dict_common.store.roles import RolesMade

app = typer.Typer(no_args_is_help=True, help="The database: roles, migrations, epochs.")

ADMIN = "postgres"
MAINTENANCE = "postgres"
MIGRATOR = "migrator"
LOCK_ATTEMPTS_MAX = 100
LOCK_SECONDS = 0.1


@app.command("roles")
def roles_(
    admin: Annotated[str, typer.Option(help="a superuser; its password comes from PGPASSFILE")] = (
        ADMIN
    ),
) -> None:
    """Makes the cluster's roles and the database, each if missing; passwords from PGPASSFILE."""
    made = asyncio.run(_make_roles(admin))
    say(f"roles made: {', '.join(made.roles) or 'none, all there'}")
    say(f"database: {'made' if made.database_made else 'there'}")


@app.command()
def migrate() -> None:
    """Applies the migrations that are missing, each in a transaction of its own."""
    applied = asyncio.run(_migrate())
    for version in applied:
        say(f"applied {version}")
    if not applied:
        say("nothing to do")


@app.command()
def status(output: Output = Format.TABLE) -> None:
    """Every migration and when it was applied."""
    states = asyncio.run(_states())
    rows = [
        {
            "version": state.migration.version,
            "name": state.migration.name,
            "applied_at": state.applied_at,
            "intact": state.intact,
        }
        for state in states
    ]
    show_rows(rows, output, ("version", "name", "applied_at", "intact"), "no migrations")


@app.command()
def verify() -> None:
    """Exit 1 unless the database was made by exactly these migrations."""
    states = asyncio.run(_states())
    migrations.verify(states)
    missing = [state.migration.version for state in states if state.applied_at is None]
    if missing:
        raise CommandFailed(Exit.FAILED, f"not applied: {', '.join(missing)}", "dictctl db migrate")
    say(f"{len(states)} migrations, all applied and intact")


@app.command("new-epoch")
def new_epoch(
    service: Annotated[str, typer.Argument(help="a role, for example claim_orchestrator")],
) -> None:
    """After a restored backup: the service's relay sends under a new name, numbered from 1."""
    if not asyncio.run(_new_epoch(service)):
        raise CommandFailed(Exit.NOT_FOUND, f"no relay is known as {service}", "dictctl db status")
    say(f"{service}: new epoch; its relay goes on within seconds")


@asynccontextmanager
async def _connected(role: str, database: str = "") -> "AsyncIterator[asyncpg.Connection[Any]]":
    """One connection as a role, closed at the end; to another database if one is named."""
    url = urlsplit(shared().postgres_url)
    if database:
        url = url._replace(path=f"/{database}")
    connection = await open_connection(urlunsplit(url), role)
    try:
        yield connection
    finally:
        await connection.close()


async def _make_roles(admin: str) -> RolesMade:
    name = urlsplit(shared().postgres_url).path.lstrip("/")
    async with _connected(admin, MAINTENANCE) as connection:
        return await roles.make_roles(connection, name, _passwords())


async def _migrate() -> tuple[str, ...]:
    async with _connected(MIGRATOR) as connection:
        return tuple(
            f"{migration.version} {migration.name}"
            for migration in await migrations.migrate(connection)
        )


async def _states() -> tuple[MigrationState, ...]:
    async with _connected(MIGRATOR) as connection:
        return await migrations.status(connection)


async def _new_epoch(service: str) -> bool:
    queries = load_queries("dict_common.store", "outbox")
    async with _connected(MIGRATOR) as connection:
        # A relay at work keeps the old name for its turn: what it then sent would be dropped.
        for _ in range(LOCK_ATTEMPTS_MAX):
            (row,) = await timed_fetch(connection, queries["relay_lock_of"], (service,))
            if row["locked"]:
                return bool(await timed_fetch(connection, queries["relay_new_epoch"], (service,)))
            await asyncio.sleep(LOCK_SECONDS)
    raise CommandFailed(
        Exit.CONFLICT,
        f"a relay of {service} is at work: stop it first, then give the new epoch",
        f"dictctl db new-epoch {service}",
    )


def _passwords() -> dict[str, str]:
    """Role to password from the pgpass file: host:port:database:user:password a line."""
    path = os.environ.get("PGPASSFILE")
    if path is None or not Path(path).exists():
        return {}
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    fields = [line.split(":") for line in lines if line and not line.startswith("#")]
    return {parts[3]: parts[4] for parts in fields if len(parts) == 5}
