"""Apache Pulsar: broker and bookie in one process."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from devstack.failures import StackFailure
from devstack.groups import Command
from devstack.parts import zookeeper
from devstack.parts.part import Part, Site
from devstack.ports import LOOPBACK

NAME = "pulsar"
ADMIN = "pulsar-admin"  # the name of its second port
ASK_TIMEOUT_SECONDS = 10.0
_INTERCEPTORS = "org.apache.pulsar.common.intercept."

# What differs from the shipped standalone.conf, and is checked on the running broker.
POLICY: Mapping[str, str] = {
    "brokerDeleteInactiveTopicsEnabled": "false",  # a quiet topic is not a dead one
    "allowAutoTopicCreation": "false",  # topics.yaml is the only list
    "isSchemaValidationEnforced": "true",
    "isAllowAutoUpdateSchemaEnabled": "false",  # schemas come by `dictctl topics apply`
    "brokerDeduplicationEnabled": "true",  # the relay's belt
    "acknowledgmentAtBatchIndexLevelEnabled": "true",
    # Else new messages in that second leave a partition's older ones undelivered after a takeover.
    "activeConsumerFailoverDelayTimeMillis": "0",
    "exposingBrokerEntryMetadataToClientEnabled": "true",
    "brokerEntryMetadataInterceptors": (
        f"{_INTERCEPTORS}AppendBrokerTimestampMetadataInterceptor,"
        f"{_INTERCEPTORS}AppendIndexMetadataInterceptor"
    ),
}
# Caches made for a server of 4 GB and more.
SMALL: Mapping[str, str] = {
    "managedLedgerCacheSizeMB": "64",
    "dbStorage_writeCacheMaxSizeMb": "64",
    "dbStorage_readAheadCacheMaxSizeMb": "64",
    "dbStorage_rocksDB_blockCacheSize": str(64 << 20),
}


@dataclass(frozen=True)
class Pulsar(Part):
    """The server as a part of the stack."""

    site: Site
    name: str = NAME
    needs: tuple[str, ...] = (zookeeper.NAME,)
    ready_seconds: float = 240.0
    grace_seconds: float = 30.0

    @property
    def port(self) -> int:
        """Of clients."""
        return self.site.ports[NAME]

    @property
    def admin_url(self) -> str:
        """Of the REST API."""
        return f"http://{LOOPBACK}:{self.site.ports[ADMIN]}"

    def prepare(self) -> None:
        """Writes its configuration."""
        self.site.run.data(NAME).mkdir(parents=True, exist_ok=True)
        shipped = self.site.tools.pulsar_home / "conf" / "standalone.conf"
        config = self.site.run.config("standalone.conf")
        config.parent.mkdir(parents=True, exist_ok=True)
        text = rewrite(shipped.read_text(encoding="utf-8"), self._settings())
        config.write_text(text, encoding="utf-8")

    def blocked(self) -> str | None:
        """A broker that meets the ephemeral nodes of a killed predecessor gives up at once.

        After a clean stop there are none; after a kill they go with the session, within seconds.
        """
        try:
            sessions = zookeeper.sessions_holding_nodes(self.site.ports[zookeeper.NAME])
        except OSError as problem:
            return f"ZooKeeper does not answer: {problem}"
        return f"{sessions} sessions of a killed Pulsar have not ended" if sessions else None

    def command(self) -> Command:
        """512 MB of heap and as much beside it."""
        return Command(
            (
                str(self.site.tools.pulsar_home / "bin" / "pulsar"),
                "standalone",
                "--no-functions-worker",
                "--no-stream-storage",
                "--advertised-address",
                LOOPBACK,
                "--metadata-url",
                f"zk:{LOOPBACK}:{self.site.ports[zookeeper.NAME]}",
                "--bookkeeper-dir",
                str(self.site.run.data(NAME)),
            ),
            {
                "JAVA_HOME": str(self.site.tools.java_home),
                "PULSAR_STANDALONE_CONF": str(self.site.run.config("standalone.conf")),
                "PULSAR_MEM": "-Xms512m -Xmx512m -XX:MaxDirectMemorySize=512m",
                "PULSAR_GC": "-XX:+UseG1GC",
                "PULSAR_GC_LOG": " ",
                "PULSAR_LOG_DIR": str(self.site.run.config("pulsar-logs")),
                "PULSAR_LOG_LEVEL": "info",
            },
        )

    def probe(self) -> str | None:
        """The broker produces to and reads from a topic of its own."""
        url = f"{self.admin_url}/admin/v2/brokers/health"
        try:
            answer = httpx.get(url, timeout=ASK_TIMEOUT_SECONDS, trust_env=False)
        except httpx.HTTPError as problem:
            return f"does not answer: {problem}"
        return None if answer.status_code == httpx.codes.OK else f"health: {answer.status_code}"

    def settle(self) -> None:
        """Compares what runs with what we configured. Raises StackFailure with each difference."""
        url = f"{self.admin_url}/admin/v2/brokers/configuration/runtime"
        answer = httpx.get(url, timeout=ASK_TIMEOUT_SECONDS, trust_env=False)
        running = answer.raise_for_status().json()
        wrong = [
            f"{key} is {running.get(key)!r}, not {value!r}"
            for key, value in POLICY.items()
            if not _equal(running.get(key), value)
        ]
        if wrong:
            raise StackFailure("Pulsar runs with another configuration: " + "; ".join(wrong))

    def _settings(self) -> dict[str, str]:
        return {
            "brokerServicePort": str(self.port),
            "webServicePort": str(self.site.ports[ADMIN]),
            "bindAddress": LOOPBACK,  # advertising an address alone does not bind to it
            "listeningInterface": "lo",  # the bookie's
            **POLICY,
            **SMALL,
        }


def rewrite(text: str, changes: Mapping[str, str]) -> str:
    """A properties file with other values; keys that it lacks are appended."""
    rest = dict(changes)
    lines: list[str] = []
    for line in text.splitlines():
        found = re.match(r"([A-Za-z_.]+)=", line)
        if found and found.group(1) in changes:
            key = found.group(1)
            if key in rest:
                lines.append(f"{key}={rest.pop(key)}")
            continue
        lines.append(line)
    lines.extend(f"{key}={value}" for key, value in rest.items())
    return "\n".join(lines) + "\n"


def _equal(running: object, wanted: str) -> bool:
    """The broker writes a set of names as `[a, b]` in an order of its own."""
    return _words(str(running)) == _words(wanted)


def _words(text: str) -> list[str]:
    return sorted(word.strip() for word in text.strip("[]").split(","))
