"""Verbs that change a claim: as Core decides, or as an operator with a token mends."""

import asyncio
from typing import Annotated
from uuid import UUID

import typer

from claim_orchestrator.application.claim_console import DECIDE
from claim_orchestrator.application.operator_request import (
    Verb,
    check_act,
    check_decision,
)
from claim_orchestrator.application.ports import KeptClaim
from claim_orchestrator.bootstrap import console
from claim_orchestrator.domain.claim import Role
from claim_orchestrator.domain.deadlines import Calendar
from claim_orchestrator.domain.decisions import Decision
from claim_orchestrator.entrypoints.asking import (
    CLAIM,
    ClaimId,
    claim_id_in,
    not_found,
    publish,
    read,
)
from dict_common.console import publishing
from dict_common.console.environment import shared
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_record
from dict_common.console.publishing import DryRun, Why, check_why, operator_request
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.ids import new_id, time_of

DECIDED_BY = "dictctl"


def decide(
    claim_id: ClaimId,
    decision: Annotated[str, typer.Argument(metavar="ACCEPT|REFUSE")],
    reason: Annotated[str, typer.Option(help="Bacen's reason; USER_REQUESTED if left out")] = "",
    command_id: Annotated[
        str, typer.Option(help="ce_id, a UUIDv7 whose time is the decision's: again is the same")
    ] = "",
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Publishes `claim.decide` as Core would. A claimer's ACCEPT changes nothing by itself."""
    word = decision.upper()
    if word not in set(Decision):
        raise CommandFailed(
            Exit.USAGE, "decide ACCEPT or REFUSE", f"dictctl claim decide {claim_id} REFUSE"
        )
    asked, id_ = claim_id_in(claim_id, "CLAIM_ID"), claim_id_in(command_id, "--command-id")
    known = asyncio.run(read("find", asked))
    claim = known[0]["claim_id"] if known else asked  # one that is not there yet may still come
    record: dict[str, object] = {
        "claim_id": str(claim),
        "role": Role.CLAIMER.value,
        "decision": word,
        "reason": reason or None,
        "otp_id": None,
        # Made from the id, so that the same command twice has the same content.
        "decided_at": time_of(id_) or SystemClock().now(),
        "decided_by": DECIDED_BY,
    }
    if dry_run:
        asyncio.run(_check_decision(claim, word, reason or None))
    else:
        asyncio.run(publish(DECIDE, claim, id_, record))
    told = {"claim_id": claim, "command_id": id_, "decision": word, "published": not dry_run}
    show_record(told, output)
    if not dry_run:
        say(f"next: dictctl claim watch {claim}")


def resume(
    claim_id: ClaimId,
    why: Why,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Tries a held step again now, instead of at its next turn."""
    _order(Verb.CLAIM_RESUME, claim_id, why, None, dry_run, output)


def cancel(
    claim_id: ClaimId,
    reason: Annotated[str, typer.Option(help="what DICT is told: USER_REQUESTED, FRAUD, …")],
    why: Why,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Cancels at DICT. The reason is checked against Bacen's table before anything is sent."""
    _order(Verb.CLAIM_CANCEL, claim_id, why, reason, dry_run, output)


def _order(
    verb: Verb, claim_id: str, why: str, reason: str | None, dry_run: bool, output: Format
) -> None:
    check_why(why)
    kept = asyncio.run(_kept(claim_id_in(claim_id, "CLAIM_ID"), claim_id))
    try:
        check_act(verb, reason, kept)
    except InputRefused as error:
        raise CommandFailed(
            Exit.CONFLICT,
            f"{error.reason_code}: {error.detail}",
            f"dictctl claim get {kept.claim_id}",
        ) from None
    request_id = new_id()
    if not dry_run:
        record: dict[str, object] = {
            "verb": verb.value,
            "target": str(kept.claim_id),
            "reason": why,
            "cancel_reason": reason,
            "dry_run": False,
        }
        asyncio.run(publishing.publish(operator_request(CLAIM, request_id, record)))
    told = {"claim_id": kept.claim_id, "request_id": request_id, "verb": verb.value}
    show_record({**told, "published": not dry_run}, output)
    if not dry_run:
        say(f"next: dictctl claim watch {kept.claim_id}")


async def _check_decision(claim_id: UUID, word: str, reason: str | None) -> None:
    """A claim that is not there yet may still come: then the decision waits for it."""
    calendar = Calendar(shared().claim_day_seconds)
    async with console.open_reader() as reader:
        rows = await reader.find(claim_id)
        if not rows:
            return
        kept = await reader.load(rows[0]["claim_id"])
    try:
        check_decision(word, reason, SystemClock().now(), kept, calendar)
    except InputRefused as error:
        raise CommandFailed(
            Exit.CONFLICT, f"{error.reason_code}: {error.detail}", f"dictctl claim get {claim_id}"
        ) from None


async def _kept(claim_id: UUID, given: str) -> KeptClaim:
    async with console.open_reader() as reader:
        rows = await reader.find(claim_id)
        if not rows:
            raise not_found(given)
        return await reader.load(rows[0]["claim_id"])
