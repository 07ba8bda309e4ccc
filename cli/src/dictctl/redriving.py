"""`dictctl dlq redrive|discard`: requests to the desk, in slices, with the operator's token."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from dict_common.console import publishing
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_record
from dict_common.console.publishing import DryRun, Why, check_why, operator_request
from dict_common.kernel.ids import new_id
from dict_common.kernel.letter_ids import LETTERS_MAX, RATE_MAX
from dict_schemas.topics import DEAD_LETTERS
from dictctl.letters import (
    Chosen,
    Reason,
    Row,
    Service,
    Since,
    Wanted,
    instant,
    open_desk,
    parted,
    place_of,
    reasons,
    services,
)

app = typer.Typer()

TAKEN_MAX = 50_000
"""A hundred requests of one key: the desk has room for others beside them."""
NAMED_MAX = 4
"""Requests that the next command names; more are among the newest anyway."""
REDRIVE = "DEAD_LETTERS_REDRIVE"
DISCARD = "DEAD_LETTERS_DISCARD"

Ids = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]…", help="from `dictctl dlq list`; or choose:")
]
Consumer = Annotated[str | None, typer.Option(help="given up by this subscription")]
Event = Annotated[str | None, typer.Option(metavar="CE_ID", help="the message with this id")]
Limit = Annotated[
    int, typer.Option(min=1, max=TAKEN_MAX, help="at most this many, the oldest first")
]
Rate = Annotated[
    int | None, typer.Option(min=1, max=RATE_MAX, help="letters a second; the desk's own if none")
]


@app.command()
def redrive(
    why: Why,
    ids: Ids = None,
    service: Service = None,
    reason: Reason = None,
    consumer: Consumer = None,
    event: Event = None,
    since: Since = None,
    limit: Limit = 1_000,
    rate: Rate = None,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Gives dead letters back to their service, after what was wrong is mended."""
    wanted = _wanted(reason, consumer, event, since)
    _act(_Order(REDRIVE, why, rate, dry_run), _Choice(ids, service, wanted, limit), output)


@app.command()
def discard(
    why: Why,
    ids: Ids = None,
    service: Service = None,
    reason: Reason = None,
    consumer: Consumer = None,
    event: Event = None,
    since: Since = None,
    all_: Annotated[bool, typer.Option("--all", help="whatever the service has")] = False,
    limit: Limit = 1_000,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Notes that dead letters need no processing any more. They stay where they are."""
    wanted = _wanted(reason, consumer, event, since)
    if not (ids or all_ or wanted != Wanted()):
        raise CommandFailed(
            Exit.USAGE,
            "which letters? They cannot be taken back: ids, --reason --consumer --event --since, "
            "or --all",
            "dictctl dlq list",
        )
    _act(_Order(DISCARD, why, None, dry_run), _Choice(ids, service, wanted, limit), output)


@dataclass(frozen=True)
class _Order:
    verb: str
    why: str
    rate: int | None
    dry_run: bool


@dataclass(frozen=True)
class _Choice:
    ids: list[str] | None
    service: str | None
    wanted: Wanted
    limit: int

    @property
    def one_service(self) -> str:
        """Whose letters are meant. Raises CommandFailed."""
        named = {parted(id_)[0] for id_ in self.ids or ()} | ({self.service} - {None})
        if len(named) != 1:
            raise CommandFailed(
                Exit.USAGE,
                "whose letters? name one service: --service, or ids that begin with it",
                f"one of {', '.join(services(None))}",
            )
        if self.ids and self.wanted != Wanted():
            raise CommandFailed(Exit.USAGE, "ids, or --reason --consumer --event --since: not both")
        return services(str(named.pop()))[0]


def _act(order: _Order, choice: _Choice, output: Format) -> None:
    check_why(order.why)
    service = choice.one_service
    rows, skipped, matched = asyncio.run(_taken(service, choice))
    if not matched and not skipped:
        raise CommandFailed(
            Exit.NOT_FOUND,
            f"no dead letter of {service} fits",
            f"dictctl dlq list --service {service}",
        )
    told: Row = {
        "verb": order.verb,
        "service": service,
        "letters": len(rows),
        "reasons": reasons(rows),
        "skipped": skipped,
        "left": matched - len(rows),
    }
    requests = [] if order.dry_run else _requests(order, service, rows)
    told |= {"requests": [str(request.id) for request in requests], "published": bool(requests)}
    if requests:
        asyncio.run(publishing.publish(*requests))
    whole = {"ids": [row["id"] for row in rows]} if output is Format.JSON else {}
    show_record(told | whole, output)
    if not rows:
        say("nothing is left to do: each of these letters was acted on before")
    elif requests:
        named = " ".join(str(request.id) for request in requests[-NAMED_MAX:])
        say(f"next: dictctl dlq requests {named}")


def _requests(order: _Order, service: str, rows: list[Row]) -> list[publishing.Draft]:
    """One request for each slice, in the order in which letters are to go."""
    ids = [str(row["id"]).partition("/")[2] for row in rows]
    record: dict[str, object] = {
        "verb": order.verb,
        "target": service,
        "reason": order.why,
        "cancel_reason": None,
        "dry_run": False,
        "rate": order.rate,
    }
    return [
        operator_request(
            DEAD_LETTERS, new_id(), record | {"letters": ids[begin : begin + LETTERS_MAX]}
        )
        for begin in range(0, len(ids), LETTERS_MAX)
    ]


def _wanted(
    reason: str | None, consumer: str | None, event: str | None, since: str | None
) -> Wanted:
    try:
        event = str(UUID(event)) if event else None
    except ValueError:
        raise CommandFailed(
            Exit.USAGE, f"--event must be a UUID, not {event!r}", "dictctl dlq list"
        ) from None
    return Wanted(reason, consumer, event, instant(since, datetime.now(UTC)))


async def _taken(service: str, choice: _Choice) -> tuple[list[Row], int, int]:
    """The letters to act on, how many were acted on before, and how many are left to act on."""
    chosen = Chosen(choice.limit, newest=False, columns=("id", "reason"))
    async with open_desk(service) as desk:
        if not choice.ids:
            await desk.choose(choice.wanted, chosen)
            return chosen.ended(), chosen.acted_on, chosen.matched
        named = dict.fromkeys(choice.ids)
        for letter_id in named:
            row, message = await desk.one(letter_id)
            if row["action"] is None:
                chosen.add(place_of(message), row)
        return chosen.ended(), len(named) - chosen.matched, chosen.matched
