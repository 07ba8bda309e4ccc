"""Redis: speed only. It keeps nothing on disk and nothing is lost when it is flushed."""

import contextlib
from dataclasses import dataclass

import redis

from devstack.fetch.redis import libraries
from devstack.groups import Command
from devstack.parts.part import Part, Site
from devstack.ports import LOOPBACK

NAME = "redis"
ASK_TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True)
class Redis(Part):
    """The server as a part of the stack."""

    site: Site
    name: str = NAME
    needs: tuple[str, ...] = ()
    ready_seconds: float = 60.0
    grace_seconds: float = 10.0

    @property
    def port(self) -> int:
        """Of clients."""
        return self.site.ports[NAME]

    def prepare(self) -> None:
        """Makes its working folder."""
        self.site.run.data(NAME).mkdir(parents=True, exist_ok=True)

    def command(self) -> Command:
        """64 MB, the least recently used key goes first: as the seeds have it."""
        settings = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "dir": str(self.site.run.data(NAME)),
            "save": "",
            "appendonly": "no",
            "maxmemory": "64mb",
            "maxmemory-policy": "allkeys-lru",
        }
        server = self.site.tools.redis_server
        found = libraries(server)
        environment = {"LD_LIBRARY_PATH": found} if found else {}
        return Command(
            (
                str(server),
                *(word for key, value in settings.items() for word in (f"--{key}", value)),
            ),
            environment,
        )

    def probe(self) -> str | None:
        """PING."""
        client = redis.Redis(
            host=LOOPBACK,
            port=self.port,
            socket_timeout=ASK_TIMEOUT_SECONDS,
            socket_connect_timeout=ASK_TIMEOUT_SECONDS,
        )
        with contextlib.closing(client):
            try:
                return None if client.ping() else "does not answer PING"
            except redis.RedisError as problem:
                return f"does not answer: {problem}"
