"""The migration runner: forward only, one transaction each, checksums kept.

Runs as the role `migrator` under an advisory lock, so that two deployments cannot meet.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from dict_common.kernel.errors import DictError
from dict_common.store.errors import unavailable_when_away
from dict_schemas.sql import Migration, migrations

_LOCK = "SELECT pg_advisory_lock(hashtext('dict-connect.migrate'))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtext('dict-connect.migrate'))"
_HISTORY = """
CREATE TABLE IF NOT EXISTS public.dict_migrations (
    version    TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
)"""

MIGRATION_SECONDS_MAX = 600.0


class MigrationsDiffer(DictError):
    """The database was made by other migrations than this release holds."""

    def __init__(self, detail: str) -> None:
        super().__init__("migrations-differ", detail)


@dataclass(frozen=True)
class MigrationState:
    """A migration and what the database knows of it."""

    migration: Migration
    applied_at: datetime | None
    intact: bool
    """False if it was applied with another text."""


async def status(connection: "asyncpg.Connection[Any]") -> tuple[MigrationState, ...]:
    """Every migration of this release, in order. Raises Unavailable."""
    async with unavailable_when_away("migration status"):
        known = await connection.fetchval("SELECT to_regclass('public.dict_migrations')")
        rows = await connection.fetch("SELECT * FROM public.dict_migrations") if known else []
    applied = {row["version"]: row for row in rows}
    return tuple(_state(migration, applied.get(migration.version)) for migration in migrations())


async def migrate(connection: "asyncpg.Connection[Any]") -> tuple[Migration, ...]:
    """Applies what is missing; answers what it applied.

    Raises MigrationsDiffer before touching anything, Unavailable when the database is away.
    """
    async with unavailable_when_away("migrate"):
        await connection.execute(_LOCK, timeout=MIGRATION_SECONDS_MAX)
        try:
            await connection.execute(_HISTORY)
            states = await status(connection)
            verify(states)
            missing = tuple(state.migration for state in states if state.applied_at is None)
            for migration in missing:
                await _apply(connection, migration)
            return missing
        finally:
            await connection.execute(_UNLOCK)


def verify(states: tuple[MigrationState, ...]) -> None:
    """Raises MigrationsDiffer if an applied one has another text now, or came out of order."""
    changed = [state.migration.version for state in states if not state.intact]
    if changed:
        raise MigrationsDiffer(
            f"{', '.join(changed)} was applied with another text: never edit an applied migration, "
            "add one that changes what it made"
        )
    applied = [state.applied_at is not None for state in states]
    if applied != sorted(applied, reverse=True):
        raise MigrationsDiffer("a migration is missing below one that was applied")


async def _apply(connection: "asyncpg.Connection[Any]", migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.text, timeout=MIGRATION_SECONDS_MAX)
        await connection.execute(
            "INSERT INTO public.dict_migrations (version, name, sha256) VALUES ($1, $2, $3)",
            migration.version,
            migration.name,
            migration.sha256,
        )


def _state(migration: Migration, row: asyncpg.Record | None) -> MigrationState:
    if row is None:
        return MigrationState(migration, None, intact=True)
    return MigrationState(migration, row["applied_at"], row["sha256"] == migration.sha256)
