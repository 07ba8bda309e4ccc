"""Where things lie: the checkout, the user's cache, a stack's run folder."""

import os
from dataclasses import dataclass
from pathlib import Path


def repository() -> Path:
    """The checkout this package is installed from (devstack is only ever installed editable)."""
    root = Path(__file__).resolve().parents[3]
    if not (root / "requirements.lock").is_file():
        raise FileNotFoundError(
            f"{root} is not a checkout of DICT Connect. Start devstack through ./dev in a clone."
        )
    return root


def cache_folder() -> Path:
    """Downloads and builds of every checkout of this user, keyed by version."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "dict-connect"


@dataclass(frozen=True)
class RunFolder:
    """Everything one stack writes. Two stacks with two run folders never meet."""

    root: Path

    @property
    def state(self) -> Path:
        """Ports and processes, JSON."""
        return self.root / "state.json"

    @property
    def env(self) -> Path:
        """Connections as `KEY=value` lines for a shell; `./dev run` reads it."""
        return self.root / "env"

    @property
    def pgpass(self) -> Path:
        """Passwords of the PostgreSQL roles in libpq's format, mode 0600."""
        return self.root / "pgpass"

    @property
    def keys(self) -> Path:
        """Development keysets."""
        return self.root / "keys"

    @property
    def lock(self) -> Path:
        """Held while `up` or `down` changes the stack."""
        return self.root / "lock"

    def data(self, name: str) -> Path:
        """What the part `name` must find again after a restart."""
        return self.root / "data" / name

    def config(self, name: str) -> Path:
        """Configuration written for the part `name` at each start."""
        return self.root / "config" / name

    def log(self, name: str) -> Path:
        """Standard output and error of the process `name`, appended over restarts."""
        return self.root / "logs" / f"{name}.log"


def default_run_folder() -> RunFolder:
    """The stack of `./dev up`."""
    return RunFolder(repository() / ".devstack")
