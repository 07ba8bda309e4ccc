"""A Temporal of a test's own in which time passes when nothing is left to do.

Its clock is one for all: never run two tests' workflows in it at once. Time moves in
`handle.result()` of a handle that `start_workflow` gave and in `env.sleep(…)`, nowhere else:
waiting for an update's result does not move it, and while an activity runs it stands.
"""

import shlex
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.converter import DataConverter
from temporalio.testing import WorkflowEnvironment

from devstack.fetch import toolbox
from devstack.fetch.time_skipping import server_command
from devstack.fetch.view import fetch_quietly
from dict_schemas.temporal import temporal_names

NAMESPACE = "default"
"""The only one of the server: what a sealing converter is bound to."""
START_TIMEOUT = timedelta(seconds=60)
_KINDS = {
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
    "Text": IndexedValueType.INDEXED_VALUE_TYPE_TEXT,
    "Int": IndexedValueType.INDEXED_VALUE_TYPE_INT,
    "Double": IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
    "Bool": IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
    "KeywordList": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
}


@asynccontextmanager
async def time_skipping(
    folder: Path, converter: DataConverter | None = None
) -> AsyncIterator[WorkflowEnvironment]:
    """A fresh server on loopback with our search attributes; `env.client` is connected to it.

    `folder` takes the server's start script. Ends the server.
    """
    script = folder / "time-skipping-server"
    script.write_text(_script(), encoding="utf-8")
    script.chmod(0o755)
    env = await WorkflowEnvironment.start_time_skipping(
        data_converter=converter or DataConverter.default,
        test_server_existing_path=str(script),
        test_server_startup_timeout=START_TIMEOUT,
    )
    async with env:
        await _register(env, temporal_names().search_attributes)
        yield env


def _script() -> str:
    """`exec`, since the SDK ends the process that it started; options of the user's stay out."""
    others = frozenset(toolbox.PARTS) - {toolbox.JAVA, toolbox.TIME_SKIPPING}
    tools = fetch_quietly(threading.Event(), others)
    command = shlex.join(server_command(tools.time_skipping, tools.java_home))
    return f'#!/bin/sh\nunset JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS\nexec {command} "$@"\n'


async def _register(env: WorkflowEnvironment, names: Mapping[str, str]) -> None:
    attributes = {name: _KINDS[kind] for name, kind in names.items()}
    await env.client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace=env.client.namespace, search_attributes=attributes)
    )
