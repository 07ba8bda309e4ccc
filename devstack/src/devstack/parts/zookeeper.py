"""ZooKeeper, which keeps Pulsar's metadata, as a process of its own.

The one embedded in Pulsar listens on every address, and Pulsar's RocksDB metadata does not
survive a kill: the broker loops for ever on the bookie's stale lock.
"""

import re
import socket
from dataclasses import dataclass

from devstack.groups import Command
from devstack.parts.part import Part, Site
from devstack.ports import LOOPBACK

NAME = "zookeeper"
SESSION_MAX_MILLISECONDS = 6_000
ANSWER_BYTES_MAX = 1 << 20
ASK_TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True)
class ZooKeeper(Part):
    """The server as a part of the stack."""

    site: Site
    name: str = NAME
    needs: tuple[str, ...] = ()
    ready_seconds: float = 90.0
    grace_seconds: float = 10.0

    @property
    def port(self) -> int:
        """Of clients; it has no other."""
        return self.site.ports[NAME]

    def prepare(self) -> None:
        """Writes its configuration."""
        data = self.site.run.data(NAME)
        data.mkdir(parents=True, exist_ok=True)
        config = self.site.run.config("zookeeper.conf")
        config.parent.mkdir(parents=True, exist_ok=True)
        settings = {
            "dataDir": str(data),
            "clientPort": str(self.port),
            "clientPortAddress": LOOPBACK,
            "admin.enableServer": "false",
            "tickTime": "1000",
            # A killed broker's session must end soon: its successor waits for that.
            "maxSessionTimeout": str(SESSION_MAX_MILLISECONDS),
            "autopurge.snapRetainCount": "3",
            "autopurge.purgeInterval": "1",
            "preAllocSize": "4096",
        }
        lines = [f"{key}={value}" for key, value in settings.items()]
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def command(self) -> Command:
        """64 MB of heap are plenty for one broker."""
        return Command(
            (str(self.site.tools.pulsar_home / "bin" / "pulsar"), "zookeeper"),
            {
                "JAVA_HOME": str(self.site.tools.java_home),
                "PULSAR_ZK_CONF": str(self.site.run.config("zookeeper.conf")),
                "PULSAR_MEM": "-Xms64m -Xmx64m -XX:MaxDirectMemorySize=64m",
                "PULSAR_GC": "-XX:+UseSerialGC",
                "PULSAR_GC_LOG": " ",
                "PULSAR_LOG_DIR": str(self.site.run.config("pulsar-logs")),
                "PULSAR_LOG_LEVEL": "warn",
            },
        )

    def probe(self) -> str | None:
        """The four-letter word `srvr`."""
        try:
            answer = ask(self.port, "srvr")
        except OSError as problem:
            return f"does not answer: {problem}"
        return None if "Mode:" in answer else f"answers {answer!r}"


def ask(port: int, word: str) -> str:
    """Sends a four-letter word, returns the whole answer. Raises OSError."""
    address = (LOOPBACK, port)
    with socket.create_connection(address, timeout=ASK_TIMEOUT_SECONDS) as connection:
        connection.sendall(word.encode("ascii"))
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
            if len(answer) > ANSWER_BYTES_MAX:
                break
    return answer.decode("utf-8", "replace")


def sessions_holding_nodes(port: int) -> int:
    """How many sessions hold ephemeral nodes, those of a killed broker and bookie included.

    Raises OSError when it does not answer.
    """
    found = re.search(r"Sessions with Ephemerals \((\d+)\)", ask(port, "dump"))
    return int(found.group(1)) if found else 0
