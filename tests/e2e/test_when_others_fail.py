"""Bridge, cache and webhook fail: claims go on, nothing is done twice, users are told once."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from claim_orchestrator.adapters.webhook_notifier import signature
from claim_orchestrator.application.claim_process import FIND_CLAIM_GRPC, workflow_id
from devstack.stack import Stack
from dict_common.secrecy.keysets import KeysetFolder
from dict_schemas.generated.dict.simulator.v1 import control_pb2
from tests.support.core import DRAFT, PERSONAL, OtherSide, create_claim, other_side
from tests.support.following import event_of, row_when
from tests.support.processes import free_address
from tests.support.waiting import until
from tests.support.world import World, make_world


class Receiver:
    """A participant's webhook; the first call fails."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], str]] = []
        self.failures = 1
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = self.rfile.read(length).decode()
                receiver.failures -= 1
                if receiver.failures < 0:
                    receiver.taken.append((dict(self.headers.items()), body))
                self.send_response(204 if receiver.failures < 0 else 503)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 its base's word
                """Says nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.server_port}/claims"

    def close(self) -> None:
        """Listens no more."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """A webhook."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def world(
    stack: Stack, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A world whose Redis is nowhere and whose users are told by webhook."""
    folder = Path(tmp_path_factory.mktemp("failing"))
    settings = {
        "DICT_CLAIM_DAY_SECONDS": "20",
        "DICT_REDIS_URL": f"redis://{free_address()}/0",
        "CLAIM_ORCHESTRATOR_NOTIFY_URL": receiver.url,
    }
    with make_world(stack, folder, **settings) as made:
        made.start("simulator", "consumer", "worker", "relay", "sink")
        yield made


@pytest.fixture(scope="module")
def donor(world: World) -> Iterator[OtherSide]:
    """The other participant."""
    with other_side(world) as side:
        yield side


_numbers = iter(range(5_000, 6_000))


def ordered(world: World, donor: OtherSide) -> UUID:
    """A claim is asked for, on a key of its own."""
    key = f"+556196666{next(_numbers)}"
    donor.seed(key)
    return create_claim(world, draft={**DRAFT, "key": key})


def faults(donor: OtherSide, *planned: control_pb2.Fault) -> None:
    """What the Bridge does wrong from here on."""
    donor.control.SetFaults(control_pb2.SetFaultsRequest(faults=planned))


async def test_claims_go_on_without_redis_and_users_are_told_signed(
    world: World, donor: OtherSide, receiver: Receiver
) -> None:
    claim_id = ordered(world, donor)
    row = await row_when(world, claim_id, "OPEN", dict_status="OPEN")
    donor.act(str(row["dict_claim_id"]), "CANCEL", "USER_REQUESTED")
    await row_when(world, claim_id, "cancelled", status="CANCELLED")

    async def told() -> list[tuple[dict[str, str], str]]:
        return [it for it in receiver.taken if str(claim_id) in it[1]]

    ((headers, body),) = await until(told, "users are told")
    secret = KeysetFolder(Path(world.environment["DICT_KEYS_DIR"])).text("notify.secret").encode()
    given = {name.lower(): value for name, value in headers.items()}
    expected = signature(secret, given["webhook-id"], given["webhook-timestamp"], body)
    assert given["webhook-signature"] == expected
    data = json.loads(body)["data"]
    assert (data["status"], data["resolution_type"]) == ("CANCELLED", "REJECTED")
    assert not [value for value in PERSONAL if value in body]


async def test_claim_that_an_unanswered_call_opened_is_found(
    world: World, donor: OtherSide
) -> None:
    """The worker dies while it waits for the answer, as if that were not enough."""
    faults(donor, control_pb2.Fault(operation="CreateClaim", times=1, silence_after=True))
    before = len(donor.operations("CreateClaim"))
    claim_id = ordered(world, donor)

    async def reached() -> bool:
        return len(donor.operations("CreateClaim")) > before

    await until(reached, "DICT has opened the claim")
    world.kill("worker")
    faults(donor)
    world.start("worker")
    row = await row_when(world, claim_id, "OPEN", dict_status="OPEN")
    assert (await event_of(world, claim_id, "claim.created"))["dict_status"] == "OPEN"
    opened = [
        it for it in donor.operations("CreateClaim") if it.claim_id == str(row["dict_claim_id"])
    ]
    assert len(opened) == 1
    assert len(donor.operations("CreateClaim")) == before + 1


async def test_claim_that_a_lost_answer_opened_outlives_the_time_for_retries(
    stack: Stack, tmp_path: Path
) -> None:
    """The Bridge is away from the lost answer on, for longer than createClaim is tried."""
    settings = {"CLAIM_ORCHESTRATOR_CREATE_RETRY_SECONDS": "5"}
    with make_world(stack, tmp_path, **settings) as world, other_side(world) as side:
        world.start("simulator", "consumer", "worker", "relay")
        faults(side, control_pb2.Fault(operation="CreateClaim", cut_after=True, times=1))
        claim_id = ordered(world, side)

        async def reached() -> bool:
            return len(side.operations("CreateClaim")) > 0

        await until(reached, "DICT has opened the claim")
        side.control.SetOutage(control_pb2.SetOutageRequest(on=True))
        client = await world.temporal()
        process = client.get_workflow_handle(workflow_id(claim_id))

        async def looked_for() -> bool:
            waits_for = (await process.describe()).raw_description.pending_activities
            return [it.activity_type.name for it in waits_for] == [FIND_CLAIM_GRPC]

        await until(looked_for, "createClaim is given up and its claim looked for")
        side.control.SetOutage(control_pb2.SetOutageRequest(on=False))
        row = await row_when(world, claim_id, "OPEN", dict_status="OPEN")
        assert row["status"] == "RUNNING"
        assert len(side.operations("CreateClaim")) == 1


async def test_what_bacen_refuses_for_now_is_tried_again(world: World, donor: OtherSide) -> None:
    limited = control_pb2.InjectedProblem(type="RateLimited", retry_after_seconds=1)
    conflict = control_pb2.InjectedProblem(type="ResourceConflict")
    broken = control_pb2.InjectedProblem(type="InternalServerError")
    problems = (limited, conflict, broken)
    faults(
        donor,
        *[control_pb2.Fault(operation="CreateClaim", times=1, problem=it) for it in problems],
        *[control_pb2.Fault(operation="CompleteClaim", times=1, problem=it) for it in problems],
        control_pb2.Fault(operation="CompleteClaim", times=1, cut_after=True),
    )
    claim_id = ordered(world, donor)
    row = await row_when(world, claim_id, "OPEN", dict_status="OPEN")
    donor.act(str(row["dict_claim_id"]), "ACKNOWLEDGE")
    donor.act(str(row["dict_claim_id"]), "CONFIRM", "USER_REQUESTED")
    row = await row_when(world, claim_id, "completed", status="COMPLETED")
    (done,) = donor.operations("CompleteClaim", str(row["dict_claim_id"]))
    assert done.request_id == str(row["complete_request_id"])
    faults(donor)


async def test_status_that_nobody_knows_is_waited_out_and_a_jump_is_told(
    world: World, donor: OtherSide
) -> None:
    claim_id = ordered(world, donor)
    row = await row_when(world, claim_id, "OPEN", dict_status="OPEN")
    dict_id = str(row["dict_claim_id"])
    donor.control.JumpClaim(control_pb2.JumpClaimRequest(claim_id=dict_id, status="SUSPENDED"))
    donor.control.JumpClaim(
        control_pb2.JumpClaimRequest(
            claim_id=dict_id,
            status="CANCELLED",
            reason="PARTICIPANT_EXCLUSION",
            cancelled_by="DONOR",
        )
    )
    row = await row_when(world, claim_id, "cancelled", status="CANCELLED")
    assert (row["resolution_type"], row["cancel_reason"]) == ("REJECTED", "PARTICIPANT_EXCLUSION")
    other = ordered(world, donor)
    row = await row_when(world, other, "OPEN", dict_status="OPEN")
    jump = control_pb2.JumpClaimRequest(claim_id=str(row["dict_claim_id"]), status="COMPLETED")
    donor.control.JumpClaim(jump)
    await row_when(world, other, "completed", status="COMPLETED")

    async def told() -> bool:
        return "unexpected:OPEN>COMPLETED" in world.dictctl("claim", "timeline", str(other)).stdout

    await until(told, "the jump is in the audit")


async def test_claim_that_does_not_exist_is_not_found(world: World) -> None:
    for verb in ("get", "timeline", "resume"):
        more = ("--why", "ticket") if verb == "resume" else ()
        done = world.dictctl("claim", verb, str(uuid4()), *more)
        assert done.returncode == 4, done.stderr
