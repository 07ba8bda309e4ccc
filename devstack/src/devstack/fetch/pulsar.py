"""Apache Pulsar's server distribution from Maven Central."""

import hashlib
import os
import shutil
import tarfile
import threading
from pathlib import Path

from devstack.failures import Cancelled, StackFailure, ToolMissing
from devstack.fetch.cache import Cache
from devstack.fetch.debian import unpack_packages

VERSION = "4.0.6"
SHA512 = (
    "ac174f604e94473215e07024d05853dbf24bf1520ec222c8bb0d87707a5f1267"
    "49df7d5733e06a2423456421489ed371e122f4f5a7793a5146a5a1b47f437e90"
)
ARCHIVE = f"pulsar-server-distribution-{VERSION}-bin.tar.gz"
COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
ARTIFACT = f"org.apache.pulsar:pulsar-server-distribution:{VERSION}:tar.gz:bin"
CHUNK_BYTES = 1 << 20
ATTEMPTS_MAX = 3
SYSTEM_TRUST = Path("/etc/ssl/certs/java/cacerts")


def pulsar(cache: Cache, java_home: Path) -> Path:
    """PULSAR_HOME. Downloads 233 MB when missing."""
    name = f"apache-pulsar-{VERSION}"
    return cache.ensure(name, lambda folder: _make(cache, java_home, folder)) / name


def _make(cache: Cache, java_home: Path, folder: Path) -> None:
    archive = folder / ARCHIVE
    if not (archive.is_file() and sha512(archive, cache.cancelled) == SHA512):
        _download(cache, java_home, folder)
    shutil.rmtree(folder / f"apache-pulsar-{VERSION}", ignore_errors=True)
    with tarfile.open(archive) as stream:
        # Python before 3.11.4 has no filters; what is unpacked here was checked by its hash.
        if hasattr(tarfile, "data_filter"):
            stream.extraction_filter = tarfile.data_filter
        for member in stream:
            if cache.cancelled.is_set():
                raise Cancelled
            stream.extract(member, folder)
    archive.unlink()


def _download(cache: Cache, java_home: Path, folder: Path) -> None:
    """Maven's own cache would keep a second copy for ever, so it gets one of ours for now."""
    repository = folder / "maven"
    command = [
        str(maven(cache)),
        "--batch-mode",
        "--quiet",
        f"-Dmaven.repo.local={repository}",
        COPY_GOAL,
        f"-Dartifact={ARTIFACT}",
        f"-DoutputDirectory={folder}",
    ]
    runner = cache.runner(f"apache-pulsar-{VERSION}", "Fetching Pulsar")
    for attempt in range(1, ATTEMPTS_MAX + 1):
        runner.run(command, environment=_java_for_maven(java_home), folder=folder)
        shutil.rmtree(repository, ignore_errors=True)
        if sha512(folder / ARCHIVE, cache.cancelled) == SHA512:
            return
        (folder / ARCHIVE).unlink()
        if attempt == ATTEMPTS_MAX:
            raise StackFailure(
                f"The Pulsar archive is not the one we know (SHA-512 differs, {ATTEMPTS_MAX} "
                "times). Look at what stands between this machine and Maven Central."
            )


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


def sha512(path: Path, cancelled: threading.Event) -> str:
    """Of a whole file, in hex. Raises Cancelled."""
    digest = hashlib.sha512()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            if cancelled.is_set():
                raise Cancelled
            digest.update(chunk)
    return digest.hexdigest()
