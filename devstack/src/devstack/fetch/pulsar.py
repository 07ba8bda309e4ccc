"""Apache Pulsar's server distribution from Maven Central."""

import shutil
import tarfile
from pathlib import Path

from devstack.failures import Cancelled, StackFailure
from devstack.fetch.cache import Cache, checksum
from devstack.fetch.maven import ATTEMPTS_MAX, COPY_GOAL, Maven

VERSION = "4.0.6"
SHA512 = (
    "ac174f604e94473215e07024d05853dbf24bf1520ec222c8bb0d87707a5f1267"
    "49df7d5733e06a2423456421489ed371e122f4f5a7793a5146a5a1b47f437e90"
)
ARCHIVE = f"pulsar-server-distribution-{VERSION}-bin.tar.gz"
ARTIFACT = f"org.apache.pulsar:pulsar-server-distribution:{VERSION}:tar.gz:bin"


def pulsar(cache: Cache, java_home: Path) -> Path:
    """PULSAR_HOME. Downloads 233 MB when missing."""
    name = f"apache-pulsar-{VERSION}"
    return cache.ensure(name, lambda folder: _make(cache, java_home, folder)) / name


def _make(cache: Cache, java_home: Path, folder: Path) -> None:
    archive = folder / ARCHIVE
    if not (archive.is_file() and checksum(archive, "sha512", cache.cancelled) == SHA512):
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
    maven = Maven(cache, java_home, cache.runner(f"apache-pulsar-{VERSION}", "Fetching Pulsar"))
    for attempt in range(1, ATTEMPTS_MAX + 1):
        maven.run(folder, COPY_GOAL, f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={folder}")
        if checksum(folder / ARCHIVE, "sha512", cache.cancelled) == SHA512:
            return
        (folder / ARCHIVE).unlink()
        if attempt == ATTEMPTS_MAX:
            raise StackFailure(
                f"The Pulsar archive is not the one we know (SHA-512 differs, {ATTEMPTS_MAX} "
                "times). Look at what stands between this machine and Maven Central."
            )
