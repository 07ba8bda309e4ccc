"""The roles of the cluster. They are cluster-wide, so they are made here and not by migrations."""

from dataclasses import dataclass
from typing import Any

import asyncpg

from dict_common.store.errors import unavailable_when_away

LOGIN_ROLES = (
    "migrator",
    "operator_ro",
    "audit_maintainer",
    "audit_sink",
    "audit_desk",
    "audit_replayer",
    "claim_orchestrator",
    "vsync",
)
GROUP_ROLES = ("audit_owner", "audit_reader")
MEMBERSHIPS = (
    ("audit_owner", "migrator"),
    ("audit_reader", "operator_ro"),
    ("audit_reader", "audit_maintainer"),
)
"""(group, member)."""
TEMPORARY_TABLES = ("operator_ro", "vsync")
"""Who may make tables that end with their session: reconciling lays both sides in some, an import
of entries each chunk in one."""
ENDED_MEMBERSHIPS = (("audit_owner", "audit_maintainer"),)
"""Taken from clusters that have them: an owner may change rows. The maintainer calls functions."""


@dataclass(frozen=True)
class RolesMade:
    """What was missing and is there now."""

    roles: tuple[str, ...]
    database_made: bool


async def make_roles(
    admin: "asyncpg.Connection[Any]", database: str, passwords: dict[str, str]
) -> RolesMade:
    """Makes the roles and the database, each if missing. `admin` is a superuser's connection.

    `passwords` by role; a login role without one keeps the password it has. Raises Unavailable.
    """
    async with unavailable_when_away("make roles"):
        await admin.execute("SELECT pg_advisory_lock(hashtext('dict-connect.roles'))")
        try:
            made = [await _make(admin, role, login=True) for role in LOGIN_ROLES]
            made += [await _make(admin, role, login=False) for role in GROUP_ROLES]
            for role in LOGIN_ROLES:
                if role in passwords:
                    secret = await admin.fetchval("SELECT quote_literal($1)", passwords[role])
                    await admin.execute(f"ALTER ROLE {role} PASSWORD {secret}")
            for group, member in MEMBERSHIPS:
                await admin.execute(f"GRANT {group} TO {member}")
            for group, member in ENDED_MEMBERSHIPS:
                await admin.execute(f"REVOKE {group} FROM {member}")
            database_made = await _make_database(admin, database)
        finally:
            await admin.execute("SELECT pg_advisory_unlock(hashtext('dict-connect.roles'))")
    return RolesMade(tuple(role for role in made if role), database_made)


async def _make(admin: "asyncpg.Connection[Any]", role: str, *, login: bool) -> str | None:
    if await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        return None
    await admin.execute(f"CREATE ROLE {role} {'LOGIN' if login else 'NOLOGIN'}")
    return role


async def _make_database(admin: "asyncpg.Connection[Any]", name: str) -> bool:
    quoted = await admin.fetchval("SELECT quote_ident($1)", name)
    missing = not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name)
    if missing:
        await admin.execute(f"CREATE DATABASE {quoted}")
    await admin.execute(f"ALTER DATABASE {quoted} OWNER TO migrator")
    await grant_database(admin, quoted)
    return missing


async def grant_database(admin: "asyncpg.Connection[Any]", quoted: str) -> None:
    """Who may come in, and who may do what to the database itself. A clone has none of it."""
    await admin.execute(f"REVOKE ALL ON DATABASE {quoted} FROM PUBLIC")
    for role in LOGIN_ROLES:
        await admin.execute(f"GRANT CONNECT ON DATABASE {quoted} TO {role}")
    for role in TEMPORARY_TABLES:
        await admin.execute(f"GRANT TEMPORARY ON DATABASE {quoted} TO {role}")
    # Sandboxes of replays are schemas, made by functions that run as the audit's owner.
    await admin.execute(f"GRANT CREATE ON DATABASE {quoted} TO audit_owner")
