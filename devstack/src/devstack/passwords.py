"""Random passwords of the PostgreSQL roles, in the format and place that libpq reads."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from devstack.state import write_whole

SUPERUSER = "postgres"
# Each service logs in under its own role, so that the database enforces who may write what.
ROLES = (
    SUPERUSER,
    "migrator",
    "operator_ro",
    "claim_orchestrator",
    "audit_sink",
    "audit_desk",
    "audit_replayer",
    "audit_maintainer",
    "vsync",
)


def keep_passwords(
    path: Path, host: str, port: int, roles: Iterable[str], fresh: Mapping[str, str]
) -> dict[str, str]:
    """Writes one line per role, keeping the passwords that the file already holds.

    `fresh` gives the password of each role that has none yet. Mode 0600: libpq and asyncpg
    ignore a file that others may read. The port is written anew, since it may have changed.
    """
    before = read_passwords(path)
    passwords = {role: before.get(role) or fresh[role] for role in roles}
    lines = [
        ":".join(_escaped(field) for field in (host, str(port), "*", role, password))
        for role, password in passwords.items()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, "\n".join(lines) + "\n", mode=0o600)
    return passwords


def read_passwords(path: Path) -> dict[str, str]:
    """Password by role. Lines of another form are not ours and left out."""
    if not path.is_file():
        return {}
    passwords: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = [re.sub(r"\\(.)", r"\1", part) for part in re.split(r"(?<!\\):", line)]
        if len(fields) == 5:
            passwords[fields[3]] = fields[4]
    return passwords


def _escaped(field: str) -> str:
    return field.replace("\\", "\\\\").replace(":", "\\:") if field != "*" else field
