"""Decisions, proofs and operators through topics, Temporal's own client and dictctl."""

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from claim_orchestrator.application.claim_mail import DecisionAnswer, GivenDecision
from devstack.fetch.view import fetch_quietly
from devstack.stack import Stack
from dict_common.secrecy.development import ISSUER
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.operators import signed_token
from dict_schemas.generated.dict.simulator.v1 import control_pb2
from tests.support.core import DRAFT, OtherSide, create_claim, other_side
from tests.support.following import dead_letter_of, event_of, events_of, row_of, row_when
from tests.support.publishing import DECIDE, Core, core_of, decision, properties
from tests.support.waiting import until
from tests.support.world import World, make_world

OPERATOR = "operator.request"


@pytest.fixture(scope="module")
def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which everything of ours runs; a day is long enough to decide within."""
    folder = Path(tmp_path_factory.mktemp("decisions"))
    with make_world(stack, folder, DICT_CLAIM_DAY_SECONDS="20") as made:
        made.start("simulator", "consumer", "worker", "relay", "sink")
        yield made


@pytest.fixture(scope="module")
def donor(world: World) -> Iterator[OtherSide]:
    """The other participant."""
    with other_side(world) as side:
        yield side


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def core(world: World) -> AsyncIterator[Core]:
    """Core."""
    async with core_of(world) as made:
        yield made


_numbers = iter(range(2_000, 3_000))


async def opened(world: World, donor: OtherSide, **changes: str) -> tuple[UUID, str]:
    """A claim that is OPEN, on a key of its own: its id and DICT's."""
    key = f"+556199777{next(_numbers)}"
    if changes.get("type") == "OWNERSHIP":
        changes = {**changes, "claimer_tax_id": "99988877766"}
    donor.seed(key)
    claim_id = create_claim(world, draft={**DRAFT, "key": key, **changes})
    row = await row_when(world, claim_id, "OPEN", dict_status="OPEN")
    return claim_id, str(row["dict_claim_id"])


def workflow_cli(world: World, *words: str) -> "subprocess.CompletedProcess[str]":
    """Temporal's own program, as the seeds' operators type it."""
    temporal = fetch_quietly(Event(), frozenset()).temporal
    address, namespace = (
        world.environment[name] for name in ("DICT_TEMPORAL_ADDRESS", "DICT_TEMPORAL_NAMESPACE")
    )
    return subprocess.run(
        [temporal, "workflow", *words, "--address", address, "--namespace", namespace],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=world.environment,
    )


async def test_decision_through_dictctl_cancels(world: World, donor: OtherSide) -> None:
    claim_id, _ = await opened(world, donor)
    dry = world.dictctl("claim", "decide", str(claim_id), "REFUSE", "--dry-run")
    assert dry.returncode == 0
    done = world.dictctl("claim", "decide", str(claim_id), "refuse", "-o", "json")
    command_id = json.loads(done.stdout)["command_id"]
    world.dictctl("claim", "decide", str(claim_id), "REFUSE", "--command-id", command_id)
    row = await row_when(world, claim_id, "cancelled", status="CANCELLED")
    assert (row["resolution_type"], row["cancel_reason"]) == ("CANCELLED", "USER_REQUESTED")
    names = [it["event_subtype"] for it in events_of(world, claim_id)]
    assert "command.rejected" not in names
    watched = world.dictctl("claim", "watch", str(claim_id), "-o", "json")
    assert json.loads(watched.stdout)["status"] == "CANCELLED"
    timeline = world.dictctl_json("claim", "timeline", str(claim_id))
    assert {"event", "step", "bridge"} <= {row["kind"] for row in timeline}


@pytest.mark.parametrize(("word", "status"), [("false", "CANCELLED"), ("true", "RUNNING")])
async def test_signal_of_the_seeds_typed_by_an_operator(
    world: World, donor: OtherSide, word: str, status: str
) -> None:
    claim_id, _ = await opened(world, donor)
    signal = ("--name", "claim-decision", "--input", word)
    done = workflow_cli(world, "signal", "--workflow-id", f"claim-{claim_id}", *signal)
    assert done.returncode == 0, done.stderr
    decided = await event_of(world, claim_id, "claim.decided")
    assert decided["decision"] == ("REFUSE" if word == "false" else "ACCEPT")
    await row_when(world, claim_id, status, status=status)


async def test_row_is_as_the_seeds_define_it(world: World, donor: OtherSide) -> None:
    claim_id, dict_id = await opened(world, donor)
    donor.act(dict_id, "ACKNOWLEDGE")
    donor.act(dict_id, "CONFIRM", "USER_REQUESTED")
    row = await row_when(world, claim_id, "completed", status="COMPLETED")
    id_ = f"claim-{claim_id}"
    assert row["workflow_id"] == id_
    assert row["monitor_status_workflow_id"] == f"{id_}-monitor"
    assert row["expire_completion_period_workflow_id"] == f"{id_}-expire"
    described = json.loads(workflow_cli(world, "describe", "-w", id_, "-o", "json").stdout)
    assert str(row["workflow_run_id"]) == described["workflowExecutionInfo"]["execution"]["runId"]
    assert row["started_at"] <= row["completed_at"] <= row["expires_at"]
    assert row["expires_at"] == row["claimer_deadline"]
    assert (row["resolution_type"], row["completion_period_days"]) == ("APPROVED", 30)
    assert len(row["key_value_hash"]) == 64


@pytest.mark.parametrize(
    ("workflow", "suffix", "more"),
    [
        ("CancelClaimWorkflow", "resolution", {"reason": "ACCOUNT_CLOSURE"}),
        ("MonitorStatusWorkflow", "alone", {}),
        ("ExpireCompletionPeriodWorkflow", "alone-expire", {}),
    ],
)
async def test_workflow_is_started_alone_by_an_operator(
    world: World, donor: OtherSide, workflow: str, suffix: str, more: dict[str, str]
) -> None:
    claim_id, dict_id = await opened(world, donor)
    workflow_cli(world, "terminate", "-w", f"claim-{claim_id}", "--reason", "test")
    done = workflow_cli(
        world,
        "start",
        *("--type", workflow, "-w", f"claim-{claim_id}-{suffix}"),
        *("--task-queue", world.environment["DICT_TEMPORAL_TASK_QUEUE"]),
        *("--input", json.dumps({"claim_id": str(claim_id), **more})),
    )
    assert done.returncode == 0, done.stderr
    if workflow == "MonitorStatusWorkflow":
        donor.act(dict_id, "CANCEL", "USER_REQUESTED")
    if workflow == "ExpireCompletionPeriodWorkflow":
        # Its day 30 is minutes away, which the simulation waits for; here it has taken its input.
        shown = workflow_cli(world, "describe", "-w", f"claim-{claim_id}-{suffix}", "-o", "json")
        assert "RUNNING" in json.loads(shown.stdout)["workflowExecutionInfo"]["status"].upper()
        donor.act(dict_id, "CANCEL", "USER_REQUESTED")
        return
    row = await row_when(world, claim_id, "cancelled", status="CANCELLED")
    expected = "CANCELLED" if more else "REJECTED"
    assert row["resolution_type"] == expected
    assert await event_of(world, claim_id, "claim.cancelled")


async def test_update_answers_whoever_asks(world: World, donor: OtherSide) -> None:
    claim_id, _ = await opened(world, donor)
    handle = (await world.temporal()).get_workflow_handle(f"claim-{claim_id}")
    ids = [str(uuid4()), str(uuid4())]
    answers = [
        await handle.execute_update(
            "claim_decision",
            GivenDecision("REFUSE", "user-1", "FRAUD"),
            id=id_,
            result_type=DecisionAnswer,
        )
        for id_ in (ids[0], ids[0])
    ]
    assert [answer.outcome for answer in answers] == ["accepted", "accepted"]
    row = await row_when(world, claim_id, "cancelled", status="CANCELLED")
    assert row["cancel_reason"] == "FRAUD"


BROKEN: dict[str, tuple[dict[str, object], str]] = {
    "unknown decision": ({"decision": "UNKNOWN"}, "value-unknown"),
    "the donor's side": ({"role": "DONOR"}, "role-unsupported"),
    "unknown role": ({"role": "UNKNOWN"}, "value-unknown"),
    "a person's name as decider": ({"decided_by": "João Silva"}, "field-invalid"),
    "a CPF as decider": ({"decided_by": "11122233300"}, "field-invalid"),
    "endless reason": ({"reason": "x" * 51}, "reason-not-allowed"),
    "reason of no table": ({"reason": "BECAUSE"}, "reason-not-allowed"),
    "the deadline's own reason": ({"reason": "DEFAULT_OPERATION"}, "reason-not-allowed"),
    "otp that is no id": ({"otp_id": "123456"}, "id-invalid"),
}


async def test_bad_decisions_are_told_and_change_nothing(
    world: World, donor: OtherSide, core: Core
) -> None:
    claim_id, _ = await opened(world, donor)
    sent = {
        await core.command(DECIDE, decision(claim_id) | changes, claim_id): reason
        for changes, reason in BROKEN.values()
    }

    async def told() -> dict[str, str]:
        rejected = [
            row["event_payload"]
            for row in events_of(world, claim_id)
            if row["event_subtype"] == "command.rejected"
        ]
        found = {it["command_id"]: it["reason_code"] for it in rejected}
        assert "João" not in json.dumps(rejected)
        return found if len(found) == len(sent) else {}

    assert await until(told, "each bad decision is told") == {
        str(command_id): reason for command_id, reason in sent.items()
    }
    junk = uuid4()
    await core.send(str(junk), b"\xff junk", properties(junk, name=DECIDE))
    assert (await dead_letter_of(world, junk))["reason"] == "undecodable"
    assert (await row_of(world, claim_id))["intent_cause"] is None


async def test_decision_that_comes_before_its_claim(
    world: World, donor: OtherSide, core: Core
) -> None:
    key, claim_id = f"+556199777{next(_numbers)}", uuid4()
    donor.seed(key)
    await core.command(DECIDE, decision(claim_id), claim_id)
    create_claim(world, claim_id, draft={**DRAFT, "key": key})
    row = await row_when(world, claim_id, "cancelled", status="CANCELLED")
    assert row["resolution_type"] == "CANCELLED"


async def test_decision_after_the_end_is_refused(
    world: World, donor: OtherSide, core: Core
) -> None:
    claim_id, dict_id = await opened(world, donor)
    donor.act(dict_id, "CANCEL", "USER_REQUESTED")
    await row_when(world, claim_id, "cancelled", status="CANCELLED")
    await core.command(DECIDE, decision(claim_id), claim_id)
    payload = await event_of(world, claim_id, "command.rejected")
    assert payload["reason_code"] == "claim-already-resolved"


async def test_ownership_is_completed_after_a_proof_of_possession(
    world: World, donor: OtherSide, core: Core
) -> None:
    claim_id, dict_id = await opened(world, donor, type="OWNERSHIP")
    await core.proves(claim_id, datetime.now(UTC))  # before the period's end: proves nothing
    donor.act(dict_id, "ACKNOWLEDGE")
    donor.act(dict_id, "CONFIRM", "USER_REQUESTED")  # ends the completion period now
    await row_when(world, claim_id, "confirmed", dict_status="CONFIRMED")
    forged = await core.proves(claim_id, datetime.now(UTC), source="/core/forger")
    assert (await dead_letter_of(world, forged))["reason"] == "source-untrusted"
    assert (await row_of(world, claim_id))["status"] == "RUNNING"
    await core.proves(claim_id, datetime.now(UTC))
    await row_when(world, claim_id, "completed", status="COMPLETED")
    transferred = await event_of(world, claim_id, "entry.transferred")
    assert transferred["type"] == "OWNERSHIP"


async def held(world: World, donor: OtherSide) -> UUID:
    """A CONFIRMED claim whose completion DICT refuses for a reason that nobody knows."""
    fault = control_pb2.Fault(
        operation="CompleteClaim", problem=control_pb2.InjectedProblem(type="SomethingNew")
    )
    donor.control.SetFaults(control_pb2.SetFaultsRequest(faults=[fault]))
    claim_id, dict_id = await opened(world, donor)
    donor.act(dict_id, "ACKNOWLEDGE")
    donor.act(dict_id, "CONFIRM", "USER_REQUESTED")
    await row_when(world, claim_id, "held", last_error="SomethingNew")
    return claim_id


async def test_held_claim_is_resumed_by_an_operator(world: World, donor: OtherSide) -> None:
    claim_id = await held(world, donor)
    listed = world.dictctl_json("claim", "list", "--held")
    assert str(claim_id) in [row["claim_id"] for row in listed]
    words = ("claim", "resume", str(claim_id), "--why", "Bacen says it is mended, ticket 7")
    assert world.dictctl(*words, "--dry-run").returncode == 0
    assert world.dictctl(*words).returncode == 0
    # Only now: a claim that DICT lets go on is over before an operator has typed.
    donor.control.SetFaults(control_pb2.SetFaultsRequest())
    await row_when(world, claim_id, "completed", status="COMPLETED")

    async def told() -> list[dict[str, Any]]:
        return await acts_about(world, claim_id)

    acted = await until(told, "the operator's act is in the audit")
    timeline = world.dictctl("claim", "timeline", str(claim_id)).stdout
    assert "operator.acted" in timeline
    assert [(it["verb"], it["operator"], it["dry_run"]) for it in acted] == [
        ("CLAIM_RESUME", "developer", False)
    ]


async def test_held_claim_is_cancelled_for_a_reason_that_bacen_takes(
    world: World, donor: OtherSide
) -> None:
    claim_id = await held(world, donor)
    cancel = ("claim", "cancel", str(claim_id), "--why", "ticket 8", "--reason")
    refused = world.dictctl(*cancel, "USER_REQUESTED")
    assert refused.returncode == 5
    assert "FRAUD, RECONCILIATION, RFB_VALIDATION" in refused.stderr
    for bad in ("call +5561988880000", "ticket \udce3", "a\nb", ""):
        told = world.dictctl("claim", "resume", str(claim_id), "--why", bad)
        assert (told.returncode, "--why" in told.stderr) == (2, True)
    assert world.dictctl(*cancel, "FRAUD").returncode == 0
    row = await row_when(world, claim_id, "cancelled", status="CANCELLED")
    assert (row["resolution_type"], row["cancel_reason"]) == ("CANCELLED", "FRAUD")
    donor.control.SetFaults(control_pb2.SetFaultsRequest())


async def test_operators_token_is_judged(world: World, donor: OtherSide, core: Core) -> None:
    claim_id, _ = await opened(world, donor)
    keysets = KeysetFolder(Path(world.environment["DICT_KEYS_DIR"]))
    signer, now = keysets.private("operator-issuer-private"), datetime.now(UTC)
    hour = timedelta(hours=1)
    tokens = {
        "none": "junk",
        "another issuer": signed_token(signer, "somebody", "op-1", now, hour),
        "out of date": signed_token(signer, ISSUER, "op-1", now - 3 * hour, hour),
    }
    for token in tokens.values():
        asked = {
            "verb": "CLAIM_CANCEL",
            "target": str(claim_id),
            "reason": "ticket 9",
            "cancel_reason": "USER_REQUESTED",
            "dry_run": False,
            "token": token,
        }
        await core.command(OPERATOR, asked, claim_id)

    async def refused() -> bool:
        rows = [it for it in events_of(world, claim_id) if it["event_subtype"] != "workflow.step"]
        codes = [it["event_payload"].get("reason_code") for it in rows]
        return codes.count("token-invalid") == len(tokens)

    await until(refused, "each bad token is told")
    assert (await row_of(world, claim_id))["status"] == "RUNNING"
    dry = asked | {"token": signed_token(signer, ISSUER, "op-1", now, hour), "dry_run": True}
    await core.command(OPERATOR, dry, claim_id)

    async def judged() -> list[dict[str, Any]]:
        return await acts_about(world, claim_id)

    (act,) = await until(judged, "the dry run is told")
    assert (act["outcome"], act["dry_run"]) == ("would-be-accepted", True)
    assert (await row_of(world, claim_id))["status"] == "RUNNING"


async def acts_about(world: World, claim_id: UUID) -> list[dict[str, Any]]:
    """operator.acted about a claim, as the audit has them."""
    connection = await world.connect()
    try:
        rows = await connection.fetch(
            "SELECT event_payload FROM audit.workflow_events "
            "WHERE aggregate_type = 'operator-action' AND event_payload ->> 'target_id' = $1",
            str(claim_id),
        )
        return [json.loads(row["event_payload"]) for row in rows]
    finally:
        await connection.close()
