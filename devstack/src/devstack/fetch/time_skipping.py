"""Temporal's time-skipping test server: thirty days of a workflow pass in a second.

A Java program of 38 MB in jars. Its own main listens on every address, so ours, on loopback alone,
is compiled beside it (`time_skipping_source/`).
"""

from pathlib import Path

from devstack.fetch.cache import Cache
from devstack.fetch.java_program import JavaProgram

SERVER = "temporal-test-server"
PROGRAM = JavaProgram(
    what="the time-skipping server",
    main_jar=SERVER,
    source=Path(__file__).parents[1] / "time_skipping_source" / "LoopbackTestServer.java",
    lock=Path(__file__).with_name("time_skipping.lock"),
)
_JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")  # it lives for one test
_QUIET = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"


def time_skipping(cache: Cache, java_home: Path) -> Path:
    """The folder of the server, for `server_command`. Downloads 42 MB when missing."""
    return PROGRAM.ensure(cache, java_home)


def server_command(home: Path, java_home: Path) -> tuple[str, ...]:
    """Starts it; what follows are its arguments: PORT [--enable-time-skipping]."""
    return PROGRAM.command(home, java_home, *_JVM, _QUIET)
