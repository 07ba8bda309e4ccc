"""A small Java program of ours over jars of others, each pinned by hash.

A Java runtime has no compiler, hence a jar more: Eclipse's, which is not kept.
"""

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from devstack.failures import StackFailure
from devstack.fetch.cache import Cache, checksum
from devstack.fetch.maven import ATTEMPTS_MAX, COPY_GOAL, Maven

COMPILER = "ecj"
JAVA_LANGUAGE = "17"
_LINE = re.compile(r"([\w.-]+):([\w.-]+):([\w.-]+) sha256:([0-9a-f]{64})")


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


@dataclass(frozen=True)
class JavaProgram:
    """`source`: one file with the main class; `lock`: the jars that it is compiled and run with.

    `main_jar` is the one whose version the cache's folder is named after; `what` is shown.
    """

    what: str
    main_jar: str
    source: Path
    lock: Path

    @property
    def folder_name(self) -> str:
        """In the cache: the main jar's version, and a digest of the rest that it is made of."""
        lock = self.lock.read_text(encoding="utf-8")
        version = next(jar.version for jar in pinned_jars(lock) if jar.name == self.main_jar)
        made_of = hashlib.sha256(lock.encode() + self.source.read_bytes()).hexdigest()
        return f"{self.main_jar}-{version}-{made_of[:8]}"

    def ensure(self, cache: Cache, java_home: Path) -> Path:
        """Its folder, made if missing: jars loaded, source compiled. Blocks."""
        return cache.ensure(self.folder_name, lambda folder: self._make(cache, java_home, folder))

    def command(self, home: Path, java_home: Path, *options: str) -> tuple[str, ...]:
        """Starts it with the JVM's `options`; what follows are its arguments."""
        classes = f"{home / 'classes'}:{home / 'lib' / '*'}"
        return (str(java_home / "bin" / "java"), *options, "-cp", classes, self.source.stem)

    def _make(self, cache: Cache, java_home: Path, folder: Path) -> None:
        jars = pinned_jars(self.lock.read_text(encoding="utf-8"))
        fetching = cache.runner(self.folder_name, f"Fetching {self.what}")
        get_jars(Maven(cache, java_home, fetching), folder, jars)
        lib, compiler = folder / "lib", next(jar for jar in jars if jar.name == COMPILER)
        shutil.rmtree(folder / "classes", ignore_errors=True)
        cache.runner(self.folder_name, f"Compiling {self.what}").run(
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
                str(self.source),
            ]
        )
        (lib / compiler.file).unlink()


def get_jars(maven: Maven, folder: Path, jars: tuple[Jar, ...]) -> None:
    """Fills `folder/lib`; what an interrupted run left there and is right is not loaded again.

    Blocks. Raises CommandFailed, Cancelled, and StackFailure when a jar is not the one we know.
    """
    lib = folder / "lib"
    lib.mkdir(exist_ok=True)
    missing = [jar for jar in jars if not _is_there(maven.cache, lib, jar)]
    for _ in range(ATTEMPTS_MAX):
        if not missing:
            return
        pom = folder / "pom.xml"
        pom.write_text(copying(missing, lib), encoding="utf-8")
        maven.run(folder, "--file", str(pom), COPY_GOAL)
        pom.unlink()
        missing = [jar for jar in missing if not _is_there(maven.cache, lib, jar)]
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
