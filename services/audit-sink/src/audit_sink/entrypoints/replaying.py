"""`dictctl replay`: events read again, into the audit or into a sandbox beside it."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import typer

from audit_sink.application.replay_desk import TARGET_TYPE
from audit_sink.domain.replay import Sandbox, State, Verb, allowed
from audit_sink.entrypoints import replay_looks
from audit_sink.entrypoints.replay_looks import (
    STATUS,
    InSandbox,
    RunId,
    Since,
    Topics,
    Until,
    asked_of,
    known,
    run_id_of,
)
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_record
from dict_common.console.publishing import DryRun, Why, check_why, operator_request, publish
from dict_common.kernel.ids import new_id

app = typer.Typer(
    no_args_is_help=True,
    help="Replays: events read again from their topics, into the audit or a sandbox.",
)


@app.command()
def start(
    why: Why,
    topic: Topics = None,
    since: Since = "",
    until: Until = "",
    sandbox: InSandbox = False,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Asks for a replay, up to what is there when it begins. A row that is there stays as it is."""
    check_why(why)
    asked = asked_of(topic, since, until, sandbox=sandbox)
    run_id = new_id()
    words: dict[str, object] = {
        "topics": list(asked.topics),
        "published_from": asked.published.since,
        "published_until": asked.published.until,
        "sandbox": asked.sandbox,
    }
    _publish(_Order(Verb.REPLAY_START, run_id, why, dry_run), words, output)


@app.command()
def pause(run_id: RunId, why: Why, dry_run: DryRun = False, output: Output = Format.TABLE) -> None:
    """Holds a replay where it is."""
    _change(Verb.REPLAY_PAUSE, run_id, why, dry_run, output)


@app.command()
def resume(run_id: RunId, why: Why, dry_run: DryRun = False, output: Output = Format.TABLE) -> None:
    """Goes on where it was held."""
    _change(Verb.REPLAY_RESUME, run_id, why, dry_run, output)


@app.command()
def cancel(run_id: RunId, why: Why, dry_run: DryRun = False, output: Output = Format.TABLE) -> None:
    """Ends a replay. Rows that it gave the audit stay; a sandbox is dropped."""
    _change(Verb.REPLAY_CANCEL, run_id, why, dry_run, output)


@app.command()
def drop(run_id: RunId, why: Why, dry_run: DryRun = False, output: Output = Format.TABLE) -> None:
    """Drops the sandbox of a replay that has ended."""
    _change(Verb.REPLAY_DROP, run_id, why, dry_run, output)


@dataclass(frozen=True)
class _Order:
    verb: Verb
    run_id: UUID
    why: str
    dry_run: bool


def _change(verb: Verb, run_id: str, why: str, dry_run: bool, output: Format) -> None:
    check_why(why)
    id_ = run_id_of(run_id)
    (run,) = asyncio.run(known(id_))
    may = allowed(State(run["state"]))
    if verb not in may:
        names = ", ".join(it.removeprefix("REPLAY_").lower() for it in may)
        raise CommandFailed(
            Exit.CONFLICT, f"the replay is {run['state']}; then may be asked: {names}", STATUS
        )
    if verb is Verb.REPLAY_DROP and run["sandbox_state"] != Sandbox.THERE:
        raise CommandFailed(
            Exit.CONFLICT, "the replay has no sandbox that could be dropped", STATUS
        )
    _publish(_Order(verb, id_, why, dry_run), {}, output)


def _publish(order: _Order, words: dict[str, object], output: Format) -> None:
    """The request; a start's id is the run's, so that it can be asked for before it is taken."""
    request_id = order.run_id if order.verb is Verb.REPLAY_START else new_id()
    record = {
        "verb": order.verb.value,
        "target": str(order.run_id),
        "reason": order.why,
        "cancel_reason": None,
        "dry_run": False,
        **words,
    }
    if not order.dry_run:
        asyncio.run(publish(operator_request(TARGET_TYPE, request_id, record)))
    told = {"verb": order.verb.value, "run_id": order.run_id, "request_id": request_id}
    show_record(told | {"published": not order.dry_run} | words, output)
    if not order.dry_run:
        say(f"next: {STATUS} {order.run_id}")


app.add_typer(replay_looks.app)
