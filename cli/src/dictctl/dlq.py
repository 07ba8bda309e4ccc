"""`dictctl dlq`: what could not be processed, why, and what shall become of it."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from dict_common.bus import dead_letters
from dict_common.bus.avro import AvroCodec
from dict_common.bus.dead_letters import DeadLetter
from dict_common.console.environment import shared
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_record, show_rows
from dict_common.kernel.errors import DictError
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.store.letter_actions import requests_of
from dict_schemas import avro
from dictctl import redriving
from dictctl.letters import (
    Chosen,
    Reason,
    Service,
    Since,
    Wanted,
    instant,
    open_database,
    open_desk,
    parted,
    services,
)

app = typer.Typer(
    no_args_is_help=True, help="Dead letters: list, show, give back to their service, discard."
)

LISTED_MAX = 10_000
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
SHOWN_PROPERTIES = {
    "ce_specversion": r"1\.0",
    "ce_id": _UUID,
    "ce_type": "|".join(map(re.escape, avro.names())),
    "ce_time": r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)",
    "ce_sequence": r"\d{1,9}",
    "dict_aggregatetype": r"[a-z-]{1,32}",
}
"""Properties that are shown, where they look as they should: a bad one may hold anything."""


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


@app.command("requests")
def requests_(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[REQUEST_ID]…", help="the newest if left out")
    ] = None,
    output: Output = Format.TABLE,
    limit: Annotated[int, typer.Option(min=1, max=LISTED_MAX)] = 20,
) -> None:
    """What became of requests to the desk: under way, done, or refused and why. Replays too."""
    try:
        wanted = [UUID(text) for text in ids] if ids else None
    except ValueError:
        raise CommandFailed(
            Exit.USAGE, "REQUEST_ID must be a UUID", "dictctl dlq requests"
        ) from None
    rows = asyncio.run(_requests(wanted, limit))
    columns = ("request_id", "received_at", "outcome", "topic", "letters", "waiting", "gone")
    show_rows(rows, output, (*columns, "operator", "detail"), "the desk took no such request yet")


async def _choose(service: str | None, wanted: Wanted, chosen: Chosen) -> None:
    async with open_desk(service) as desk:
        await desk.choose(wanted, chosen)


async def _requests(wanted: list[UUID] | None, limit: int) -> list[dict[str, Any]]:
    async with open_database() as database:
        return await requests_of(database, wanted, limit)


async def _one(letter_id: str) -> dict[str, object]:
    settings = shared()
    keysets = KeysetFolder(settings.keys_dir)
    sealer = TinkRestSealer(keysets.private("rest"), keysets.private("prf"))
    service, _ = parted(letter_id)
    if service not in services(None):
        raise CommandFailed(Exit.NOT_FOUND, f"no dead letter {letter_id}", "dictctl dlq list")
    async with open_desk(service) as desk:
        row, message = await desk.one(letter_id)
    letter = dead_letters.opened(service, message.properties, message.body, sealer)
    return row | _content(letter)


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
    value, syntax = letter.properties[name], SHOWN_PROPERTIES.get(name)
    known = syntax is not None and re.fullmatch(syntax, value)
    return value if known else _length(value)


def _decoded(name: str, body: bytes) -> dict[str, object] | None:
    """By the newest version that fits: the broker alone knows by which one it was written."""
    for version in reversed(avro.versions(name)):
        try:
            record = AvroCodec().decode(name, version, body)
        except DictError:
            continue
        fields = avro.fields(avro.definition(name, avro.latest(name)))
        texts = {it["name"] for it in fields if _is_text(it["type"])}
        return {field: _shown(value, text=field in texts) for field, value in record.items()}
    return None


def _is_text(type_: object) -> bool:
    """Free text; an enum's words, numbers and times are not."""
    if isinstance(type_, list):
        return any(map(_is_text, type_))
    if isinstance(type_, dict):
        return _is_text(type_.get("items", type_["type"]))
    return type_ == "string"


def _shown(value: object, *, text: bool) -> object:
    if isinstance(value, bytes):
        return f"[{len(value)} sealed bytes]"
    if isinstance(value, list):
        return [_shown(one, text=text) for one in value]
    hidden = text and isinstance(value, str) and not re.fullmatch(_UUID, value)
    return _length(str(value)) if hidden else value


def _length(text: str) -> str:
    return f"[{len(text)} characters]"


app.add_typer(redriving.app)
