"""Temporal's development server with its UI; its database is a file in the run folder."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from devstack.groups import Command
from devstack.parts.part import Part, Site
from devstack.ports import LOOPBACK
from dict_schemas.temporal import temporal_names

NAME = "temporal"
UI = "temporal-ui"
HTTP = "temporal-http"
METRICS = "temporal-metrics"
NAMESPACE = "dict"
SERVICE = "temporal.api.workflowservice.v1.WorkflowService"
ASK_TIMEOUT_SECONDS = 5.0
DATABASE = "temporal.db"
LOCK_SECONDS = 30.0
DYNAMIC_CONFIG = {
    # Its queues look through every task since the last checkpoint each time one is added: after
    # the 30 s of a server with a thousand shards that was a tenth of this one's work.
    "history.transferProcessorUpdateAckInterval": "3s",
    "history.visibilityProcessorUpdateAckInterval": "3s",
    # One matching server: partitions would only forward to each other.
    "matching.numTaskqueueReadPartitions": 1,
    "matching.numTaskqueueWritePartitions": 1,
}
KEPT_INDEXES = ("by_status", "by_workflow_id", "by_workflow_type", "default_idx")
_INDEXES = """
    SELECT name FROM sqlite_schema
    WHERE type = 'index' AND tbl_name = 'executions_visibility' AND sql IS NOT NULL
"""
# DescribeNamespaceRequest{namespace: "dict"} on the wire: field 1, a text. Written out because
# devstack starts the server but is no client of it and does not bring in its SDK.
_DESCRIBE = b"\x0a" + bytes([len(NAMESPACE)]) + NAMESPACE.encode("ascii")


@dataclass(frozen=True)
class Temporal(Part):
    """The server as a part of the stack."""

    site: Site
    name: str = NAME
    needs: tuple[str, ...] = ()
    ready_seconds: float = 90.0
    grace_seconds: float = 15.0

    @property
    def port(self) -> int:
        """Of clients and workers."""
        return self.site.ports[NAME]

    def prepare(self) -> None:
        """Makes its data folder."""
        self.site.run.data(NAME).mkdir(parents=True, exist_ok=True)

    def command(self) -> Command:
        """The namespace is made at the first start."""
        return Command(
            (
                str(self.site.tools.temporal),
                "server",
                "start-dev",
                "--ip",
                LOOPBACK,
                "--port",
                str(self.port),
                "--http-port",
                str(self.site.ports[HTTP]),
                "--metrics-port",
                str(self.site.ports[METRICS]),
                "--ui-ip",
                LOOPBACK,
                "--ui-port",
                str(self.site.ports[UI]),
                "--db-filename",
                str(self.site.run.data(NAME) / DATABASE),
                "--sqlite-pragma",
                "journal_mode=WAL",
                # A kill -9 loses nothing that SQLite gave to the kernel; a power cut would.
                "--sqlite-pragma",
                "synchronous=OFF",
                "--sqlite-pragma",
                "cache_size=-65536",  # KiB
                "--namespace",
                NAMESPACE,
                "--log-level",
                "warn",
                *_search_attributes(),
                *_dynamic_config(),
            ),
            {"GOGC": "400"},  # memory for time: it collects less often
        )

    def probe(self) -> str | None:
        """gRPC health, then whether our namespace is there."""
        with grpc.insecure_channel(f"{LOOPBACK}:{self.port}", options=_OPTIONS) as channel:
            try:
                answer = health_pb2_grpc.HealthStub(channel).Check(
                    health_pb2.HealthCheckRequest(service=SERVICE), timeout=ASK_TIMEOUT_SECONDS
                )
                if answer.status != health_pb2.HealthCheckResponse.SERVING:
                    return f"health: {answer.status}"
                describe: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
                    f"/{SERVICE}/DescribeNamespace"
                )
                describe(_DESCRIBE, timeout=ASK_TIMEOUT_SECONDS)
            except grpc.RpcError as problem:
                return f"does not answer: {problem.code().name}"
        return None

    def settle(self) -> None:
        """Its list of workflows keeps an index for every attribute that somebody might register:
        a claim's seven rows in it were a quarter of the server's work. Lists by our own
        attributes are of a developer's size and do without."""
        database = self.site.run.data(NAME) / DATABASE
        with closing(sqlite3.connect(database, timeout=LOCK_SECONDS)) as connection:
            there = [name for (name,) in connection.execute(_INDEXES).fetchall()]
            for index in sorted(set(there) - set(KEPT_INDEXES)):
                connection.execute(f'DROP INDEX "{index}"')


def _dynamic_config() -> Iterator[str]:
    for name, value in DYNAMIC_CONFIG.items():
        yield from ("--dynamic-config-value", f"{name}={json.dumps(value)}")


def _search_attributes() -> Iterator[str]:
    """The flags that register what our workflows are found by."""
    for name, kind in temporal_names().search_attributes.items():
        yield from ("--search-attribute", f"{name}={kind}")


# A proxy of the environment is not for loopback, and each probe must try the port anew.
_OPTIONS = (("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1))
