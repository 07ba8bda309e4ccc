"""The life of a stack: up twice, killed, back with everything, down without a trace.

These tests kill servers, so they have a stack of their own.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import asyncpg
import httpx
import psutil
import pulsar
import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from devstack.fetch.view import fetch_quietly
from devstack.layout import repository
from devstack.parts import temporal as temporal_part
from devstack.stack import INFRASTRUCTURE, Stack
from devstack.state import StateFile
from tests.support.waiting import until
from tests.unit.devstack.waiting import wait_for

INDEXES = "SELECT name FROM pragma_index_list('executions_visibility') WHERE origin = 'c'"
TOPIC = "persistent://kept/kept/kept"
START_SECONDS = 120.0


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that answers."""
    stack = Stack(tmp_path_factory.mktemp("own") / "stack", fetch=fetch_quietly)
    try:
        assert stack.up(infrastructure_only=True)
        yield stack
    finally:
        stack.down()


def test_a_second_up_does_nothing(own: Stack) -> None:
    before = pids(own)
    assert set(before) == set(INFRASTRUCTURE)
    assert own.up(infrastructure_only=True) is False
    assert pids(own) == before


async def test_temporals_list_pays_for_no_index_that_nobody_reads(own: Stack) -> None:
    for _ in range(2):  # as new, and once more where nothing is left to be dropped
        with closing(
            sqlite3.connect(own.run.data(temporal_part.NAME) / temporal_part.DATABASE)
        ) as database:
            left = [name for (name,) in database.execute(INDEXES)]
        assert sorted(left) == [*temporal_part.KEPT_INDEXES]
        client = await temporal(own)
        id_, mark = uuid.uuid4().hex, SearchAttributeKey.for_keyword("ClaimStatus")
        marked = TypedSearchAttributes([SearchAttributePair(mark, id_)])
        await client.start_workflow("Kept", id=id_, task_queue="nobody", search_attributes=marked)
        assert await until(partial(listed, client, f'ClaimStatus = "{id_}"'), "listed") == [id_]
        own.kill(temporal_part.NAME)
        own.up(infrastructure_only=True)


def test_everything_of_it_stays_on_loopback(own: Stack) -> None:
    sockets = own.listeners()
    assert {socket.name for socket in sockets} == set(INFRASTRUCTURE)
    assert [socket for socket in sockets if socket.beyond_loopback] == []


@pytest.mark.parametrize("name", ["redis", "temporal", "postgres", "zookeeper", "pulsar"])
def test_a_killed_server_comes_back_alone(own: Stack, name: str) -> None:
    before = pids(own)
    own.kill(name)
    state = {row.name: row.state for row in own.status()}
    assert state[name] == "ended"
    assert own.up(infrastructure_only=True) is True
    after = pids(own)
    assert after.pop(name) != before.pop(name)
    assert after == before


async def test_all_killed_come_back_with_everything(own: Stack) -> None:
    word = uuid.uuid4().hex
    await keep_in_postgres(own, word)
    keep_in_pulsar(own, word)
    await keep_in_temporal(own, word)
    for name in INFRASTRUCTURE:
        own.kill(name)
    assert pids(own) == {}
    own.up(infrastructure_only=True)
    assert await kept_in_postgres(own) == word
    assert kept_in_pulsar(own) == word
    assert await kept_in_temporal(own, word)


def test_down_leaves_no_process(own: Stack) -> None:
    records = StateFile(own.run.state).read().processes
    processes = [psutil.Process(record.pid) for record in records.values()]
    processes += [child for one in processes for child in one.children(recursive=True)]
    assert len(processes) > len(INFRASTRUCTURE)
    assert own.down() is True
    assert [process for process in processes if lives(process)] == []
    assert mentioning(own.run.root) == []
    assert own.down() is False


def test_ctrl_c_while_it_starts_stops_what_was_started(tmp_path: Path) -> None:
    script = (
        "import signal, sys; from pathlib import Path\n"
        # As at a terminal: what a shell starts in the background ignores it, and hands that on.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from devstack.fetch.view import fetch_quietly; from devstack.stack import Stack\n"
        "Stack(Path(sys.argv[1]), fetch=fetch_quietly).up(infrastructure_only=True)\n"
    )
    folder = tmp_path / "stack"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        cwd=repository(),
        env={key: value for key, value in os.environ.items() if not key.startswith("DICT_")},
        stderr=subprocess.PIPE,
        text=True,
    )
    file = StateFile(folder / "state.json")
    wait_for(lambda: "pulsar" in file.read().processes, START_SECONDS)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=START_SECONDS)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in errors
    assert file.read().processes == {}
    assert mentioning(folder) == []


def pids(stack: Stack) -> dict[str, int]:
    """Of the parts that run."""
    return {row.name: row.pid for row in stack.status() if row.pid is not None}


def lives(process: psutil.Process) -> bool:
    """A zombie does not: only its exit status waits to be asked for."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def mentioning(folder: Path) -> list[list[str]]:
    """Command lines of living processes that name the folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = process.info["cmdline"] or []
        if process.info["status"] != psutil.STATUS_ZOMBIE and str(folder) in " ".join(line):
            found.append(line)
    return found


async def postgres(stack: Stack) -> "asyncpg.Connection[asyncpg.Record]":
    """As superuser, in the database every cluster has."""
    environment = stack.environment()
    url = environment["DICT_POSTGRES_URL"].replace("/lbpay_connect", "/postgres")
    return await asyncpg.connect(url, user="postgres", passfile=environment["PGPASSFILE"])


async def keep_in_postgres(stack: Stack, word: str) -> None:
    connection = await postgres(stack)
    await connection.execute("create table kept (word text)")
    await connection.execute("insert into kept values ($1)", word)
    await connection.close()


async def kept_in_postgres(stack: Stack) -> object:
    connection = await postgres(stack)
    word = await connection.fetchval("select word from kept")
    await connection.close()
    return word


def keep_in_pulsar(stack: Stack, word: str) -> None:
    environment = stack.environment()
    admin = f"{environment['DICT_PULSAR_ADMIN_URL']}/admin/v2"
    tenant = {"allowedClusters": ["standalone"]}
    keep = {"retention_policies": {"retentionTimeInMinutes": -1, "retentionSizeInMB": -1}}
    for path, body in (
        ("tenants/kept", tenant),
        ("namespaces/kept/kept", keep),
        ("persistent/kept/kept/kept", None),
    ):
        answer = httpx.put(f"{admin}/{path}", json=body, timeout=30.0, trust_env=False)
        answer.raise_for_status()
    client = pulsar.Client(environment["DICT_PULSAR_URL"], logger=pulsar.ConsoleLogger())
    client.create_producer(TOPIC).send(word.encode())
    client.close()


def kept_in_pulsar(stack: Stack) -> str:
    client = pulsar.Client(stack.environment()["DICT_PULSAR_URL"], logger=pulsar.ConsoleLogger())
    reader = client.create_reader(TOPIC, pulsar.MessageId.earliest)
    word: str = reader.read_next(timeout_millis=30_000).data().decode()
    client.close()
    return word


async def keep_in_temporal(stack: Stack, word: str) -> None:
    client = await temporal(stack)
    await client.start_workflow("Kept", id=word, task_queue="nobody-works-here")


async def kept_in_temporal(stack: Stack, word: str) -> bool:
    found = await (await temporal(stack)).get_workflow_handle(word).describe()
    return found.status == WorkflowExecutionStatus.RUNNING


async def listed(client: Client, query: str) -> list[str]:
    return [found.id async for found in client.list_workflows(query)]


async def temporal(stack: Stack) -> Client:
    return await Client.connect(stack.environment()["DICT_TEMPORAL_ADDRESS"], namespace="dict")
