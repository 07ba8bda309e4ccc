"""The replay gate: the workflows of this release do what saved histories say they did."""

import gzip
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.worker import Replayer

from claim_orchestrator.entrypoints.worker import OWN_PACKAGES, WORKFLOWS
from dict_common.durable.client import TemporalConnection, sealed_converter
from dict_common.durable.worker import sandbox
from dict_common.secrecy.keysets import KeysetFolder
from tests.support.record_histories import HISTORIES, KEYSET, PATHS
from tests.support.workflow_fingerprints import KEPT, fingerprints, kept

FILES = sorted(HISTORIES.glob("*.json.gz"))


def replayer() -> Replayer:
    """As a worker would run them."""
    connection = TemporalConnection("", "dict", KeysetFolder(HISTORIES).private(KEYSET))
    return Replayer(
        workflows=WORKFLOWS,
        data_converter=sealed_converter(connection),
        workflow_runner=sandbox(OWN_PACKAGES),
        interceptors=[TracingInterceptor()],
    )


def history_of(file: Path) -> WorkflowHistory:
    """A saved history."""
    return WorkflowHistory.from_json(
        file.name.removesuffix(".json.gz"), gzip.decompress(file.read_bytes()).decode()
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.removesuffix(".json.gz"))
async def test_saved_history_is_replayed(file: Path) -> None:
    await replayer().replay_workflow(history_of(file))


def test_every_path_has_its_histories() -> None:
    paths = {file.name.partition(".")[0].partition("-")[0] for file in FILES}
    assert paths == set(PATHS)


async def test_gate_shuts_when_a_workflow_does_something_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from claim_orchestrator.workflows import keeper

    monkeypatch.setattr(keeper, "READ_MAIL", "LoadClaim")
    with pytest.raises(Exception, match="Nondeterminism"):
        await replayer().replay_workflow(history_of(HISTORIES / "completed.json.gz"))


def test_commands_are_those_of_the_saved_fingerprints() -> None:
    assert fingerprints() == kept(), (
        f"what a workflow asks of Temporal has changed. If running claims can meet it, put it "
        f"behind workflow.patched (docs/howto/upgrade-a-workflow.md); then renew {KEPT.name}: "
        "./dev run python -m tests.support.workflow_fingerprints"
    )
