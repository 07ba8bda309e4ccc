"""PostgreSQL 16 on TCP with passwords, in an ordinary user's hands."""

import asyncio
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT

import asyncpg

from devstack import groups
from devstack.failures import StackFailure
from devstack.groups import Command
from devstack.parts.part import Part, Site
from devstack.passwords import SUPERUSER, read_passwords
from devstack.ports import LOOPBACK

NAME = "postgres"
DATABASE = "lbpay_connect"  # made by `dictctl db roles`, with its owner
CONNECTIONS_MAX = 200
ASK_TIMEOUT_SECONDS = 10.0
INITDB_TIMEOUT_SECONDS = 180.0
NOBODY = 65534


@dataclass(frozen=True)
class Postgres(Part):
    """The server as a part of the stack."""

    site: Site
    name: str = NAME
    needs: tuple[str, ...] = ()
    ready_seconds: float = 90.0
    grace_seconds: float = 20.0

    @property
    def port(self) -> int:
        """Of clients; it has no socket file."""
        return self.site.ports[NAME]

    def prepare(self) -> None:
        """Makes the cluster when there is none; an interrupted try leaves nothing behind.

        After a kill, backends may outlive the postmaster, and its lock file names a pid that
        still exists as a zombie or belongs to somebody else by now. We hold the run folder's lock
        and know that ours has ended: end what is left, remove the file.
        """
        data = self.site.run.data(NAME)
        if data.is_dir():
            groups.kill_processes(groups.working_in(data, "postgres"))
            (data / "postmaster.pid").unlink(missing_ok=True)
            return
        data.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".postgres-", dir=data.parent) as temporary:
            fresh = Path(temporary) / "cluster"
            password = Path(temporary) / "password"
            password.write_text(self._password() + "\n", encoding="utf-8")
            self._initdb(fresh, password)
            fresh.rename(data)

    def command(self) -> Command:
        """SIGINT asks for a fast shutdown: it does not wait for clients to leave."""
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": str(CONNECTIONS_MAX),
            "shared_buffers": "64MB",
            "password_encryption": "scram-sha-256",
            "cluster_name": "dict-connect",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        return Command(
            (
                *unprivileged(),
                str(self.site.tools.postgres_bin / "postgres"),
                "-D",
                str(self.site.run.data(NAME)),
                *(word for key, value in settings.items() for word in ("-c", f"{key}={value}")),
            ),
            stop_signal=SIGINT,
        )

    def probe(self) -> str | None:
        """Logs in and asks `select 1`."""
        try:
            asyncio.run(self._ask("select 1"))
        except asyncpg.InvalidPasswordError as problem:
            raise StackFailure(
                f"PostgreSQL refuses the password in {self.site.run.pgpass} ({problem}). The file "
                "and the data belong together: bring the old file back, or ./dev clean"
            ) from problem
        except (OSError, TimeoutError, asyncpg.PostgresError) as problem:
            return f"does not answer: {problem}"
        return None

    async def _ask(self, query: str) -> object:
        connection = await asyncpg.connect(
            host=LOOPBACK,
            port=self.port,
            user=SUPERUSER,
            password=self._password(),
            database="postgres",
            timeout=ASK_TIMEOUT_SECONDS,
            ssl=False,
        )
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close(timeout=ASK_TIMEOUT_SECONDS)

    def _password(self) -> str:
        return read_passwords(self.site.run.pgpass)[SUPERUSER]

    def _initdb(self, folder: Path, password: Path) -> None:
        done = subprocess.run(
            [
                *unprivileged(),
                str(self.site.tools.postgres_bin / "initdb"),
                f"--pgdata={folder}",
                f"--username={SUPERUSER}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-instructions",
            ],
            capture_output=True,
            text=True,
            timeout=INITDB_TIMEOUT_SECONDS,
            check=False,
            start_new_session=True,
        )
        if done.returncode != 0:
            raise StackFailure(f"initdb failed:\n{done.stdout}{done.stderr}")


def unprivileged() -> tuple[str, ...]:
    """What to put before a command that refuses to run as root.

    In a user namespace of its own root looks like nobody to PostgreSQL and still reaches its
    files, so nothing needs another owner. Empty for an ordinary user.
    """
    if os.geteuid() != 0:
        return ()
    return ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
