"""Maven: gets what the Java world publishes from Maven Central."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from devstack.commands import Runner
from devstack.failures import ToolMissing
from devstack.fetch.cache import Cache
from devstack.fetch.debian import unpack_packages

COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
ATTEMPTS_MAX = 3
SYSTEM_TRUST = Path("/etc/ssl/certs/java/cacerts")


@dataclass(frozen=True)
class Maven:
    """Runs `mvn` for one piece of work. `java_home` is ours, for a machine that has none."""

    cache: Cache
    java_home: Path
    runner: Runner

    def run(self, folder: Path, *arguments: str) -> None:
        """Runs it in `folder`. Blocks. Raises CommandFailed, Cancelled, ToolMissing.

        Maven's own cache would keep a second copy for ever, so it gets one of ours for now.
        """
        repository = folder / "maven"
        self.runner.run(
            [
                str(maven(self.cache)),
                "--batch-mode",
                "--quiet",
                f"-Dmaven.repo.local={repository}",
                *arguments,
            ],
            environment=_java_for_maven(self.java_home),
            folder=folder,
        )
        shutil.rmtree(repository, ignore_errors=True)


def _java_for_maven(java_home: Path) -> dict[str, str]:
    """The machine's own Java where there is one: its owner may have taught it whom to trust.

    Ours knows the public authorities only, so it is given the machine's store if that exists.
    """
    if os.environ.get("JAVA_HOME") or shutil.which("java"):
        return {}
    options = [os.environ.get("MAVEN_OPTS", "")]
    if SYSTEM_TRUST.is_file():
        options.append(f"-Djavax.net.ssl.trustStore={SYSTEM_TRUST}")
    return {"JAVA_HOME": str(java_home), "MAVEN_OPTS": " ".join(options).strip()}


def maven(cache: Cache) -> Path:
    """The `mvn` program: PATH, else Debian's, unpacked into the cache."""
    found = shutil.which("mvn")
    if found is not None:
        return Path(found)
    folder = cache.ensure("maven-debian", lambda part: _unpack_maven(cache, part))
    program = folder / "usr" / "share" / "maven" / "bin" / "mvn"
    if not program.is_file():
        raise ToolMissing("Maven (`mvn`) is missing. Install it: apt-get install maven")
    return program


def _unpack_maven(cache: Cache, folder: Path) -> None:
    # We bring a Java of our own, so Debian's stays out.
    unpack_packages(cache, folder, "maven", without=("openjdk", "default-jre", "ca-certificates"))
    for link in folder.rglob("*"):
        if link.is_symlink() and link.readlink().is_absolute():
            inside = folder / link.readlink().relative_to("/")
            link.unlink()
            link.symlink_to(
                Path(*[".."] * len(link.relative_to(folder).parents[:-1]))
                / inside.relative_to(folder)
            )
