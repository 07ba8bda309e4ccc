"""`dictctl dlq`: what could not be processed, why, and what shall become of it."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from dict_common.bus import dead_letters
from dict_common.bus.avro import AvroCodec
from dict_common.bus.dead_letters import DeadLetter
from dict_common.console import publishing
from dict_common.console.environment import shared
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_record, show_rows
from dict_common.console.publishing import DryRun, Why, check_why, operator_request
from dict_common.kernel.errors import DictError
from dict_common.kernel.ids import new_id
from dict_common.kernel.letter_ids import LETTERS_MAX, RATE_MAX
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from dict_schemas import avro
from dict_schemas.topics import DEAD_LETTERS
from dictctl.letters import Chosen, Row, Wanted, instant, open_desk, parted, reasons, services

app = typer.Typer(
    no_args_is_help=True, help="Dead letters: list, show, give back to their service, discard."
)

LISTED_MAX = 10_000
TAKEN_MAX = 100_000
SHOWN_PROPERTIES = frozenset(
    {"ce_specversion", "ce_id", "ce_type", "ce_time", "ce_sequence", "dict_aggregatetype"}
)
REDRIVE = "DEAD_LETTERS_REDRIVE"
DISCARD = "DEAD_LETTERS_DISCARD"

Ids = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]…", help="from `dictctl dlq list`; or choose:")
]
Service = Annotated[str | None, typer.Option(help="this service's, e.g. claim-orchestrator")]
Reason = Annotated[str | None, typer.Option(help="with this reason, e.g. schema-unknown")]
Consumer = Annotated[str | None, typer.Option(help="given up by this subscription")]
Event = Annotated[str | None, typer.Option(metavar="CE_ID", help="the message with this id")]
Since = Annotated[str | None, typer.Option(help="buried since: 90m, 24h, 7d, or a time")]
Limit = Annotated[
    int, typer.Option(min=1, max=TAKEN_MAX, help="at most this many, the oldest first")
]
Rate = Annotated[
    int | None, typer.Option(min=1, max=RATE_MAX, help="letters a second; the desk's own if none")
]


@app.command("list")
def list_(
    output: Output = Format.TABLE,
    service: Service = None,
    reason: Reason = None,
    since: Since = None,
    all_: Annotated[
        bool, typer.Option("--all", help="those redriven or discarded too: by whom, when, why")
    ] = False,
    limit: Annotated[
        int, typer.Option(min=1, max=LISTED_MAX, help="at most this many, newest last")
    ] = 100,
) -> None:
    """Reason, origin and ids of each open dead letter. Nothing is opened."""
    begin = instant(since, datetime.now(UTC))
    chosen = Chosen(limit, newest=True)
    asyncio.run(_choose(service, Wanted(reason=reason, since=begin, done=all_), chosen))
    columns = ("id", "service", "published_at", "reason", "origin_topic", "ce_id")
    more = ("action", "outcome", "operator", "acted_at", "why") if all_ else ("detail",)
    show_rows(chosen.ended(), output, (*columns, *more), "no dead letters")
    if chosen.matched > limit:
        say(f"{chosen.matched} letters fit, the newest {limit} are shown: --since, --limit")


@app.command()
def show(
    letter_id: Annotated[str, typer.Argument(metavar="ID", help="from `dictctl dlq list`")],
    output: Output = Format.TABLE,
) -> None:
    """One dead letter, opened and masked: personal fields show their length alone."""
    show_record(asyncio.run(_one(letter_id)), output)


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
    limit: Limit = 1_000,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Notes that dead letters need no processing any more. They stay where they are."""
    wanted = _wanted(reason, consumer, event, since)
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
        say("nothing is left to do: each of these letters was acted on before, or there is none")
    elif requests:
        say(f"next: dictctl dlq list --service {service} --all")


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


async def _choose(service: str | None, wanted: Wanted, chosen: Chosen) -> None:
    async with open_desk(service) as desk:
        await desk.choose(wanted, chosen)


async def _taken(service: str, choice: _Choice) -> tuple[list[Row], int, int]:
    """The letters to act on, how many named ones were acted on before, and how many fit."""
    chosen = Chosen(choice.limit, newest=False)
    async with open_desk(service) as desk:
        if not choice.ids:
            await desk.choose(choice.wanted, chosen)
            return chosen.ended(), 0, chosen.matched
        named = dict.fromkeys(choice.ids)
        for letter_id in named:
            letter = await desk.one(letter_id)
            if letter.row["action"] is None:
                chosen.add(letter)
        return chosen.ended(), len(named) - chosen.matched, chosen.matched


async def _one(letter_id: str) -> dict[str, object]:
    settings = shared()
    keysets = KeysetFolder(settings.keys_dir)
    sealer = TinkRestSealer(keysets.private("rest"), keysets.private("prf"))
    service, _ = parted(letter_id)
    if service not in services(None):
        raise CommandFailed(Exit.NOT_FOUND, f"no dead letter {letter_id}", "dictctl dlq list")
    async with open_desk(service) as desk:
        found = await desk.one(letter_id)
    clear, body = found.message.properties, found.message.body
    return found.row | _content(dead_letters.opened(service, clear, body, sealer))


def _content(letter: DeadLetter) -> dict[str, object]:
    name = letter.topic.rpartition("/")[2]
    body: object = f"{len(letter.body)} bytes that are no {name}"
    if name in avro.names():
        body = _decoded(name, letter.body) or body
    return {
        "properties": {name: _masked(name, letter) for name in sorted(letter.properties)},
        "body_bytes": len(letter.body),
        "body": body,
    }


def _masked(name: str, letter: DeadLetter) -> str:
    """Attributes with a syntax as they came; free text of a sender may be personal."""
    value = letter.properties[name]
    return value if name in SHOWN_PROPERTIES else f"[{len(value)} characters]"


def _decoded(name: str, body: bytes) -> dict[str, object] | None:
    try:
        record = AvroCodec().decode(name, avro.latest(name), body)
    except DictError:
        return None
    return {
        field: f"[{len(value)} sealed bytes]" if isinstance(value, bytes) else value
        for field, value in record.items()
    }
