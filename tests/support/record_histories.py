"""Records the histories that the replay gate replays.

`./dev run python -m tests.support.record_histories [PATH…]`
Each path of a claim is run on a real server, its executions' histories are fetched and kept, sealed
with the test key beside them. To be run when a path is added; old histories stay as long as claims
that have them may run.
"""

import asyncio
import gzip
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from uuid import UUID, uuid4

from temporalio.client import Client
from temporalio.service import RPCError

from claim_orchestrator.application.claim_process import workflow_id
from devstack.fetch.view import fetch_quietly
from devstack.stack import Stack
from devstack.suite import test_run_folder
from dict_schemas.generated.dict.simulator.v1 import control_pb2
from tests.support.core import DRAFT, OtherSide, create_claim, other_side
from tests.support.following import row_when
from tests.support.publishing import DECIDE, Core, core_of, decision
from tests.support.world import World, make_world

HISTORIES = Path(__file__).resolve().parents[1] / "workflow" / "histories"
KEYSET = "temporal-codec"
EXECUTIONS = ("", "-monitor", "-expire", "-resolution")

_numbers = count(4_000)


class Scene:
    """A world in which paths are walked."""

    def __init__(self, world: World, donor: OtherSide, core: Core) -> None:
        self.world, self.donor, self.core = world, donor, core

    def faults(self, *faults: control_pb2.Fault) -> None:
        """What the Bridge does wrong from here on."""
        self.donor.control.SetFaults(control_pb2.SetFaultsRequest(faults=faults))

    async def opened(self, **changes: str) -> tuple[UUID, str]:
        """A claim that is OPEN: its id and DICT's."""
        key = f"+556198777{next(_numbers)}"
        self.donor.seed(key)
        claim_id = create_claim(self.world, draft={**DRAFT, "key": key, **changes})
        row = await row_when(self.world, claim_id, "OPEN", dict_status="OPEN")
        return claim_id, str(row["dict_claim_id"])

    async def confirmed(self, **changes: str) -> UUID:
        """A claim that the donor has confirmed."""
        claim_id, dict_id = await self.opened(**changes)
        self.donor.act(dict_id, "ACKNOWLEDGE")
        self.donor.act(dict_id, "CONFIRM", "USER_REQUESTED")
        return claim_id

    def resume(self, claim_id: UUID) -> None:
        """As an operator."""
        self.world.dictctl_json("claim", "resume", str(claim_id), "--why", "ticket")

    async def over(self, claim_id: UUID, status: str) -> UUID:
        """Once it is over."""
        await row_when(self.world, claim_id, status, status=status)
        return claim_id


async def completed(scene: Scene) -> UUID:
    """CONFIRMED, completed, transferred."""
    return await scene.over(await scene.confirmed(), "COMPLETED")


async def ownership(scene: Scene) -> UUID:
    """Completed after a proof of possession."""
    claim_id = await scene.confirmed(type="OWNERSHIP", claimer_tax_id="99988877766")
    await row_when(scene.world, claim_id, "confirmed", dict_status="CONFIRMED")
    await scene.core.proves(claim_id, datetime.now(UTC))
    return await scene.over(claim_id, "COMPLETED")


async def rejected(scene: Scene) -> UUID:
    """The other side cancels."""
    claim_id, dict_id = await scene.opened()
    scene.donor.act(dict_id, "CANCEL", "USER_REQUESTED")
    return await scene.over(claim_id, "CANCELLED")


async def decided(scene: Scene) -> UUID:
    """ACCEPT, then REFUSE, then one too many."""
    claim_id, _ = await scene.opened()
    for word in ("ACCEPT", "REFUSE", "REFUSE"):
        await scene.core.command(DECIDE, decision(claim_id, word), claim_id)
    return await scene.over(claim_id, "CANCELLED")


async def timeout(scene: Scene) -> UUID:
    """Nobody decides."""
    claim_id, _ = await scene.opened()
    return await scene.over(claim_id, "CANCELLED")


async def failed(scene: Scene) -> UUID:
    """createClaim is refused."""
    claim_id = create_claim(scene.world, draft={**DRAFT, "key": f"+556198777{next(_numbers)}"})
    return await scene.over(claim_id, "FAILED")


async def adopted(scene: Scene) -> UUID:
    """createClaim's answer was lost."""
    scene.faults(control_pb2.Fault(operation="CreateClaim", times=1, cut_after=True))
    claim_id, dict_id = await scene.opened()
    scene.faults()
    scene.donor.act(dict_id, "CANCEL", "USER_REQUESTED")
    return await scene.over(claim_id, "CANCELLED")


async def resumed(scene: Scene) -> UUID:
    """The workflow is lost while createClaim's outcome is looked for; an operator resumes it."""
    unseen = control_pb2.Fault(
        operation="ListClaims", problem=control_pb2.InjectedProblem(type="SomethingNew")
    )
    scene.faults(control_pb2.Fault(operation="CreateClaim", times=1, cut_after=True), unseen)
    key = f"+556198777{next(_numbers)}"
    scene.donor.seed(key)
    claim_id = create_claim(scene.world, draft={**DRAFT, "key": key})
    await row_when(scene.world, claim_id, "looked for", last_error="SomethingNew")
    process = (await scene.world.temporal()).get_workflow_handle(workflow_id(claim_id))
    await process.terminate("lost")
    scene.faults()
    scene.resume(claim_id)
    row = await row_when(scene.world, claim_id, "OPEN", dict_status="OPEN")
    scene.donor.act(str(row["dict_claim_id"]), "CANCEL", "USER_REQUESTED")
    return await scene.over(claim_id, "CANCELLED")


async def held(scene: Scene) -> UUID:
    """A completion that nobody understands, resumed by an operator."""
    problem = control_pb2.InjectedProblem(type="SomethingNew")
    scene.faults(control_pb2.Fault(operation="CompleteClaim", problem=problem))
    claim_id = await scene.confirmed()
    await row_when(scene.world, claim_id, "held", last_error="SomethingNew")
    # While it still is: without the fault the claim may be over before the operator is.
    scene.resume(claim_id)
    scene.faults()
    return await scene.over(claim_id, "COMPLETED")


async def operator(scene: Scene) -> UUID:
    """Cancelled by an operator."""
    claim_id, _ = await scene.opened()
    cancel = ("claim", "cancel", str(claim_id), "--why", "ticket", "--reason", "FRAUD")
    done = scene.world.dictctl(*cancel)
    assert done.returncode == 0, done.stderr
    return await scene.over(claim_id, "CANCELLED")


PATHS: dict[str, Callable[[Scene], Awaitable[UUID]]] = {
    walk.__name__: walk
    for walk in (
        completed,
        ownership,
        rejected,
        decided,
        timeout,
        failed,
        adopted,
        resumed,
        held,
        operator,
    )
}


async def _record(world: World, names: list[str]) -> None:
    client = await world.temporal()
    with other_side(world) as donor:
        async with core_of(world) as core:
            for name in names:
                claim_id = await PATHS[name](Scene(world, donor, core))
                await _keep(client, name, claim_id)


async def _keep(client: Client, name: str, claim_id: UUID) -> None:
    for suffix in EXECUTIONS:
        handle = client.get_workflow_handle(f"claim-{claim_id}{suffix}")
        try:
            if suffix == "":
                await handle.result()
            history = await handle.fetch_history()
        except RPCError:
            continue  # this path has no such execution
        target = HISTORIES / f"{name}{suffix}.json.gz"
        target.write_bytes(gzip.compress(history.to_json().encode(), mtime=0))
        sys.stdout.write(f"{target.name}: {len(history.events)} events\n")


def main(names: list[str]) -> None:
    """Records the named paths, all if none is named."""
    stack = Stack(
        test_run_folder(Path(__file__).resolve().parents[2]) / str(uuid4()), fetch=fetch_quietly
    )
    stack.up(infrastructure_only=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            keys = Path(folder) / "keys"
            keys.mkdir(mode=0o700)
            shutil.copy(HISTORIES / f"{KEYSET}.json", keys)
            with make_world(stack, Path(folder), DICT_CLAIM_DAY_SECONDS="1") as world:
                world.start("simulator", "consumer", "worker", "relay", "sink")
                asyncio.run(_record(world, names or list(PATHS)))
    finally:
        stack.down()
        shutil.rmtree(stack.run.root, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
