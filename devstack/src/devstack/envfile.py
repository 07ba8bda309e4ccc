"""`KEY=value` lines that a POSIX shell can read: how `./dev run` learns the connections."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from devstack.state import write_whole


def write_env(path: Path, values: Mapping[str, str]) -> None:
    """Replaces the file. Readable by its owner only."""
    lines = [f"{key}={shlex.quote(value)}" for key, value in values.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, "\n".join(lines) + "\n", mode=0o600)


def read_env(path: Path) -> dict[str, str]:
    """The values as a shell would see them; empty when there is no file."""
    if not path.is_file():
        return {}
    values: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        key, separator, quoted = line.partition("=")
        if separator:
            values[key] = "".join(shlex.split(quoted))
    return values
