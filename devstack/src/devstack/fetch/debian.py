"""Debian packages unpacked into the cache: no root, no daemon that starts by itself."""

import os
import shutil
import subprocess
from pathlib import Path

from devstack.failures import ToolMissing
from devstack.fetch.cache import Cache

SIMULATE_TIMEOUT_SECONDS = 120


def unpack_packages(
    cache: Cache, folder: Path, package: str, *, without: tuple[str, ...] = ()
) -> None:
    """Unpacks `package` and those of its needs that this machine lacks into `folder`.

    Uses the machine's own sources, keys and list of installed packages but writes lists and
    archives below `folder` only. `without` leaves out packages by the beginning of their name.
    Raises ToolMissing where there is no apt, CommandFailed when a download fails.
    """
    apt = shutil.which("apt-get")
    dpkg = shutil.which("dpkg-deb")
    if apt is None or dpkg is None:
        raise ToolMissing(f"{package} is missing and this machine has no apt-get. Install it.")
    scratch = folder / ".apt"
    for name in ("lists/partial", "archives/partial"):
        (scratch / name).mkdir(parents=True, exist_ok=True)
    options = [
        f"--option=Dir::State::lists={scratch / 'lists'}",
        f"--option=Dir::Cache={scratch}",
        f"--option=Dir::Cache::archives={scratch / 'archives'}",
        "--option=Debug::NoLocking=true",
        *(["--option=APT::Sandbox::User=root"] if os.geteuid() == 0 else []),
    ]
    runner = cache.runner(package, f"Fetching {package}")
    runner.run([apt, "--quiet", *options, "update"])
    names = [name for name in _missing(apt, options, package) if not name.startswith(without)]
    runner.run([apt, "--quiet", *options, "download", *names], folder=scratch / "archives")
    for archive in sorted((scratch / "archives").glob("*.deb")):
        runner.run([dpkg, "--extract", str(archive), str(folder)])
    shutil.rmtree(scratch)


def library_path(folder: Path) -> str:
    """LD_LIBRARY_PATH for programs unpacked into `folder`."""
    found = {path.parent for path in (folder / "usr" / "lib").rglob("*.so*")}
    return os.pathsep.join(str(path) for path in sorted(found))


def _missing(apt: str, options: list[str], package: str) -> list[str]:
    """What apt would install: the package itself and whatever it needs and is not there."""
    done = subprocess.run(
        [apt, "--simulate", "--no-install-recommends", *options, "install", package],
        capture_output=True,
        text=True,
        timeout=SIMULATE_TIMEOUT_SECONDS,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("Inst ")]
    if done.returncode != 0 or not lines:
        raise ToolMissing(
            f"apt cannot say how to install {package}: {done.stderr.strip() or done.stdout.strip()}"
        )
    return [words[1] for words in lines]
