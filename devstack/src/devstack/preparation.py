"""What must be in the servers before our own processes start: keys, roles, tables, topics.

Each step is a program of another member, run as a person would type it, and changes nothing
when there is nothing to do.
"""

import hashlib
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.commands import Runner
from devstack.layout import RunFolder


@dataclass(frozen=True)
class Step:
    """One program; `{python}`, `{scripts}` and `{keys}` stand for paths of this stack."""

    name: str
    command: tuple[str, ...]


STEPS = (
    Step("keysets", ("{python}", "-m", "dict_common.secrecy.development", "{keys}")),
    Step("roles", ("{scripts}/dictctl", "db", "roles")),
    Step("tables", ("{scripts}/dictctl", "db", "migrate")),
    Step("topics", ("{scripts}/dictctl", "topics", "apply")),
    Step("namespace", ("{scripts}/dictctl", "temporal", "apply")),
)
# Folders whose content decides what the steps would do.
SOURCES = ("schemas/avro", "schemas/sql", "schemas/topics.yaml", "schemas/temporal.yaml")


def run_step(
    step: Step, run: RunFolder, environment: Mapping[str, str], cancelled: threading.Event
) -> None:
    """Blocks until the step is done. Raises CommandFailed with its output, or Cancelled."""
    scripts = Path(sys.executable).parent
    command = [
        word.format(python=sys.executable, scripts=scripts, keys=run.keys) for word in step.command
    ]
    log = run.log(f"prepare-{step.name}")
    Runner(f"Preparing {step.name}", log, cancelled).run(command, environment=environment)


def fingerprint(repository: Path, environment: Mapping[str, str]) -> str:
    """Changes when the steps could have something to do: contracts, addresses, the steps."""
    digest = hashlib.sha256(repr((STEPS, sorted(environment.items()))).encode())
    for source in SOURCES:
        root = repository / source
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            if path.is_file():
                digest.update(str(path.relative_to(repository)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
