"""Which sockets our processes listen on. Nothing of ours may be reachable from outside."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from devstack import groups
from devstack.state import ProcessRecord


@dataclass(frozen=True, order=True)
class Listener:
    """One listening TCP socket of one of our processes."""

    name: str
    address: str
    port: int

    @property
    def beyond_loopback(self) -> bool:
        """Whether another machine could reach it."""
        address = ipaddress.ip_address(self.address)
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return not (mapped or address).is_loopback


def listeners(processes: Mapping[str, ProcessRecord]) -> list[Listener]:
    """Of all processes of all groups, sorted. Asks the kernel, not the configuration."""
    found: set[Listener] = set()
    for name, record in processes.items():
        for process in groups.members(record):
            try:
                connections = process.net_connections(kind="tcp")
            except psutil.NoSuchProcess:
                continue
            found.update(
                Listener(name, connection.laddr.ip, connection.laddr.port)
                for connection in connections
                if connection.status == psutil.CONN_LISTEN
            )
    return sorted(found)
