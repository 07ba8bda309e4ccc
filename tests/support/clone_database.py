"""`python -m tests.support.clone_database URL TEMPLATE`: makes URL's database from TEMPLATE."""

import asyncio
import sys
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from dict_common.store.roles import grant_database

ATTEMPTS_MAX = 50


async def clone(url: str, template: str) -> None:
    """Another clone of the same template may be under way: PostgreSQL then says "in use"."""
    parts = urlsplit(url)
    admin = await asyncpg.connect(urlunsplit(parts._replace(path="/postgres")), user="postgres")
    name = parts.path.lstrip("/")
    try:
        for attempt in range(ATTEMPTS_MAX):
            try:
                await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER migrator")
                break
            except asyncpg.ObjectInUseError:
                if attempt == ATTEMPTS_MAX - 1:
                    raise
                await asyncio.sleep(0.2)
        await grant_database(admin, name)
    finally:
        await admin.close()


if __name__ == "__main__":
    asyncio.run(clone(sys.argv[1], sys.argv[2]))
