"""Thirty real days in seconds: timers, a child, messages in the middle, search attributes."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import pytest_asyncio
import temporalio.converter
from temporalio import workflow
from temporalio.client import WorkflowHandle
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from devstack.fetch.time_skipping import PROGRAM
from devstack.ports import LOOPBACK
from dict_common.durable.client import TemporalConnection, sealed_converter
from dict_common.durable.codec import ENCODING
from dict_common.secrecy.development import make_missing
from dict_common.secrecy.keysets import KeysetFolder
from dict_schemas.temporal import temporal_names
from tests.support.time_skipping import NAMESPACE, time_skipping

QUEUE = "time-skipping"
PERIOD = timedelta(days=30)
SECONDS_MAX = 60.0
CLAIM_STATUS = SearchAttributeKey.for_keyword("ClaimStatus")
EXPIRES_AT = SearchAttributeKey.for_datetime("ClaimExpiresAt")


@dataclass
class Told:
    """What a workflow was told, and on which day."""

    news: list[str] = field(default_factory=list)
    days: list[int] = field(default_factory=list)


@workflow.defn
class Waiting:
    """The child: one timer of the whole period."""

    @workflow.run
    async def run(self, days: int) -> datetime:
        """The time at its end."""
        await workflow.sleep(timedelta(days=days))
        return workflow.now()


@workflow.defn
class Claiming:
    """The parent: a child of 30 days, then 30 days of its own, open to messages."""

    def __init__(self) -> None:
        self._told = Told()

    @workflow.run
    async def run(self, days: int) -> Told:
        """What it was told meanwhile."""
        self._began = workflow.now()
        workflow.upsert_search_attributes(
            [
                CLAIM_STATUS.value_set("OPEN"),
                EXPIRES_AT.value_set(self._began + timedelta(days=days)),
            ]
        )
        await workflow.execute_child_workflow(
            Waiting.run, days, id=f"{workflow.info().workflow_id}-child"
        )
        self._note("child")
        workflow.upsert_search_attributes([CLAIM_STATUS.value_set("WAITING_RESOLUTION")])
        await workflow.sleep(timedelta(days=days))
        self._note("timer")
        return self._told

    @workflow.signal
    async def heard(self, news: str) -> None:
        """A signal."""
        self._note(news)

    @workflow.update
    async def decide(self, decision: str) -> int:
        """An update: answers the day."""
        self._note(decision)
        return self._told.days[-1]

    @decide.validator
    def check_decision(self, decision: str) -> None:
        """Refuses an empty one."""
        if not decision:
            raise ApplicationError("empty")

    def _note(self, news: str) -> None:
        self._told.news.append(news)
        self._told.days.append((workflow.now() - self._began).days)


@pytest_asyncio.fixture(loop_scope="session")
async def env(tmp_path: Path) -> AsyncIterator[WorkflowEnvironment]:
    async with time_skipping(tmp_path) as opened, worker(opened):
        yield opened


def worker(env: WorkflowEnvironment) -> Worker:
    """Runs both workflows."""
    return Worker(
        env.client,
        task_queue=QUEUE,
        workflows=[Claiming, Waiting],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )


async def started(env: WorkflowEnvironment, name: str) -> "WorkflowHandle[Claiming, Told]":
    """A claim of 30 days."""
    return await env.client.start_workflow(
        Claiming.run, PERIOD.days, id=f"claim-{name}", task_queue=QUEUE
    )


async def test_parent_and_child_of_thirty_days_pass_in_seconds(env: WorkflowEnvironment) -> None:
    begin, before = time.monotonic(), await env.get_current_time()
    handle = await started(env, "long")
    assert await handle.result() == Told(["child", "timer"], [30, 60])
    assert time.monotonic() - begin < SECONDS_MAX
    assert await env.get_current_time() - before >= 2 * PERIOD


async def test_signal_and_update_arrive_in_the_middle(env: WorkflowEnvironment) -> None:
    handle = await started(env, "told")
    await env.sleep(timedelta(days=15))
    await handle.signal(Claiming.heard, "acknowledged")
    await env.sleep(timedelta(days=10))
    assert await handle.execute_update(Claiming.decide, "confirm") == 25
    await env.sleep(timedelta(days=10))
    assert await handle.execute_update(Claiming.decide, "again") == 35
    told = await handle.result()
    assert told.news == ["acknowledged", "confirm", "child", "again", "timer"]
    assert told.days == [15, 25, 30, 35, 60]


async def test_search_attributes_of_ours_are_known_and_change(env: WorkflowEnvironment) -> None:
    assert {"ClaimStatus", "ClaimExpiresAt"} <= set(temporal_names().search_attributes)
    before = await env.get_current_time()
    handle = await started(env, "found")
    await env.sleep(timedelta(days=1))
    shown = (await handle.describe()).typed_search_attributes
    assert shown.get(CLAIM_STATUS) == "OPEN"
    expires_at = shown.get(EXPIRES_AT)
    assert expires_at is not None
    assert abs(expires_at - (before + PERIOD)) < timedelta(hours=1)
    await env.sleep(PERIOD)
    shown = (await handle.describe()).typed_search_attributes
    assert shown.get(CLAIM_STATUS) == "WAITING_RESOLUTION"
    await handle.result()


async def test_payloads_are_sealed_with_our_own_converter(tmp_path: Path) -> None:
    make_missing(tmp_path / "keys")
    keyset = KeysetFolder(tmp_path / "keys").private("temporal-codec")
    converter = sealed_converter(TemporalConnection("", NAMESPACE, keyset))
    async with time_skipping(tmp_path, converter) as env, worker(env):
        assert env.client.namespace == NAMESPACE
        handle = await started(env, "sealed")
        await env.sleep(timedelta(days=1))
        assert await handle.execute_update(Claiming.decide, "in secret") == 1
        assert (await handle.result()).news == ["in secret", "child", "timer"]
        plain = temporalio.converter.DataConverter.default
        other = await env.connect_client(data_converter=plain)
        history = await other.get_workflow_handle(handle.id).fetch_history()
        stored = b"".join(event.SerializeToString() for event in history.events)
        assert b"in secret" not in stored
        assert ENCODING in stored


async def test_a_server_listens_on_loopback_alone_and_ends_with_its_test(tmp_path: Path) -> None:
    async with time_skipping(tmp_path):
        mine = psutil.Process().children()  # the stack's Java among them, if it runs
        servers = [child for child in mine if PROGRAM.source.stem in child.cmdline()]
        assert servers
        addresses = {
            connection.laddr.ip.removeprefix("::ffff:")
            for server in servers
            for connection in server.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
        assert addresses == {LOOPBACK}
    _gone, alive = await asyncio.to_thread(psutil.wait_procs, servers, 30)
    assert alive == []
