"""Temporal's time-skipping test server: thirty days of a workflow pass in a second.

A Java program of 38 MB in jars, each pinned by hash in `time_skipping.lock`. Its own main listens
on every address, so ours, on loopback alone, is compiled beside it (`time_skipping_source/`): a
Java runtime has no compiler, hence one more jar.
"""

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from devstack.failures import StackFailure
from devstack.fetch.cache import Cache, checksum
from devstack.fetch.maven import ATTEMPTS_MAX, COPY_GOAL, Maven

LOCK = Path(__file__).with_name("time_skipping.lock")
SOURCE = Path(__file__).parents[1] / "time_skipping_source" / "LoopbackTestServer.java"
SERVER = "temporal-test-server"
COMPILER = "ecj"
JAVA_LANGUAGE = "17"
_LINE = re.compile(r"([\w.-]+):([\w.-]+):([\w.-]+) sha256:([0-9a-f]{64})")
_JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")  # it lives for one test
_QUIET = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"


@dataclass(frozen=True)
class Jar:
    """One line of the lock."""

    group: str
    name: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        """As Maven's copy names it."""
        return f"{self.name}-{self.version}.jar"


def pinned_jars(lock: str) -> tuple[Jar, ...]:
    """The jars of a lock's text. Raises ValueError for a line that pins none."""
    lines = [line for line in lock.splitlines() if line and not line.startswith("#")]
    found = [_LINE.fullmatch(line) for line in lines]
    if None in found:
        raise ValueError(f"no pin: {lines[found.index(None)]}")
    return tuple(Jar(*match.groups()) for match in found if match is not None)


def folder_name() -> str:
    """In the cache: the server's version, and a digest of the rest that it is made of."""
    lock = LOCK.read_text(encoding="utf-8")
    version = next(jar.version for jar in pinned_jars(lock) if jar.name == SERVER)
    made_of = hashlib.sha256(lock.encode() + SOURCE.read_bytes()).hexdigest()
    return f"{SERVER}-{version}-{made_of[:8]}"


def time_skipping(cache: Cache, java_home: Path) -> Path:
    """The folder of the server, for `server_command`. Downloads 42 MB when missing."""
    return cache.ensure(folder_name(), lambda folder: _make(cache, java_home, folder))


def server_command(home: Path, java_home: Path) -> tuple[str, ...]:
    """Starts it; what follows are its arguments: PORT [--enable-time-skipping]."""
    classes = f"{home / 'classes'}:{home / 'lib' / '*'}"
    return (str(java_home / "bin" / "java"), *_JVM, _QUIET, "-cp", classes, SOURCE.stem)


def _make(cache: Cache, java_home: Path, folder: Path) -> None:
    jars = pinned_jars(LOCK.read_text(encoding="utf-8"))
    get_jars(cache, java_home, folder, jars)
    lib, compiler = folder / "lib", next(jar for jar in jars if jar.name == COMPILER)
    shutil.rmtree(folder / "classes", ignore_errors=True)
    cache.runner(folder_name(), "Compiling the time-skipping server").run(
        [
            str(java_home / "bin" / "java"),
            "-jar",
            str(lib / compiler.file),
            "-source",
            JAVA_LANGUAGE,
            "-target",
            JAVA_LANGUAGE,
            "-cp",
            ":".join(str(lib / jar.file) for jar in jars),
            "-d",
            str(folder / "classes"),
            str(SOURCE),
        ]
    )
    (lib / compiler.file).unlink()


def get_jars(cache: Cache, java_home: Path, folder: Path, jars: tuple[Jar, ...]) -> None:
    """Fills `folder/lib`; what an interrupted run left there and is right is not loaded again.

    Blocks. Raises CommandFailed, Cancelled, and StackFailure when a jar is not the one we know.
    """
    lib = folder / "lib"
    lib.mkdir(exist_ok=True)
    maven = Maven(cache, java_home, cache.runner(folder_name(), "Fetching the test server"))
    missing = [jar for jar in jars if not _is_there(cache, lib, jar)]
    for _ in range(ATTEMPTS_MAX):
        if not missing:
            return
        pom = folder / "pom.xml"
        pom.write_text(copying(missing, lib), encoding="utf-8")
        maven.run(folder, "--file", str(pom), COPY_GOAL)
        pom.unlink()
        missing = [jar for jar in missing if not _is_there(cache, lib, jar)]
    if missing:
        raise StackFailure(
            f"{', '.join(jar.file for jar in missing)}: not what we know (SHA-256 differs, "
            f"{ATTEMPTS_MAX} times). Look at what stands between this machine and Maven Central."
        )


def copying(jars: list[Jar], target: Path) -> str:
    """A POM whose copy goal gets these jars and nothing that they name."""
    items = "".join(
        f"<artifactItem><groupId>{jar.group}</groupId><artifactId>{jar.name}</artifactId>"
        f"<version>{jar.version}</version></artifactItem>"
        for jar in jars
    )
    group, name, version, _goal = COPY_GOAL.split(":")
    return (
        "<project><modelVersion>4.0.0</modelVersion><groupId>dict-connect</groupId>"
        "<artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>"
        f"<build><plugins><plugin><groupId>{group}</groupId><artifactId>{name}</artifactId>"
        f"<version>{version}</version><configuration><artifactItems>{items}</artifactItems>"
        f"<outputDirectory>{target}</outputDirectory></configuration></plugin>"
        "</plugins></build></project>\n"
    )


def _is_there(cache: Cache, lib: Path, jar: Jar) -> bool:
    """Whole and the one we know; another one is removed, so that it is loaded anew."""
    path = lib / jar.file
    if not path.is_file():
        return False
    right = checksum(path, "sha256", cache.cancelled) == jar.sha256
    if not right:
        path.unlink()
    return right
