"""`dictctl dlq`: what could not be processed, and why."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import pulsar
import pulsar.asyncio
import typer

from dict_common.bus import client as pulsar_client
from dict_common.bus import dead_letters
from dict_common.bus.avro import AvroCodec
from dict_common.bus.client import answered
from dict_common.bus.dead_letters import DeadLetter
from dict_common.bus.incoming import Incoming, incoming
from dict_common.console.environment import shared
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, show_record, show_rows
from dict_common.kernel.errors import DictError
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from dict_schemas import avro
from dict_schemas.topics import topics

app = typer.Typer(no_args_is_help=True, help="Dead letters: list them, show one.")

READ_SECONDS_MAX = 30.0
LETTERS_MAX = 10_000
SHOWN_PROPERTIES = frozenset(
    {"ce_specversion", "ce_id", "ce_type", "ce_time", "ce_sequence", "dict_aggregatetype"}
)

Limit = Annotated[int, typer.Option(min=1, max=LETTERS_MAX, help="at most this many, newest last")]
Service = Annotated[str | None, typer.Option(help="only this service's, e.g. claim-orchestrator")]


@app.command("list")
def list_(output: Output = Format.TABLE, service: Service = None, limit: Limit = 100) -> None:
    """Reason, origin and ids of each dead letter. Nothing is opened."""
    rows = asyncio.run(_rows(service, limit))
    columns = ("id", "service", "published_at", "reason", "origin_topic", "ce_id", "detail")
    show_rows(rows, output, columns, "no dead letters")


@app.command()
def show(
    letter_id: Annotated[str, typer.Argument(metavar="ID", help="from `dictctl dlq list`")],
    output: Output = Format.TABLE,
) -> None:
    """One dead letter, opened and masked: personal fields show their length alone."""
    show_record(asyncio.run(_one(letter_id)), output)


async def _rows(service: str | None, limit: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name in _services(service):
        async with _reader(name) as reader:
            rows += [_row(name, message) async for message in _messages(reader)]
    return sorted(rows, key=lambda row: str(row["published_at"]))[-limit:]


async def _one(letter_id: str) -> dict[str, object]:
    settings = shared()
    keysets = KeysetFolder(settings.keys_dir)
    sealer = TinkRestSealer(keysets.private("rest"), keysets.private("prf"))
    for name in _services(None):
        async with _reader(name) as reader:
            async for message in _messages(reader):
                if _id(name, message) == letter_id:
                    letter = dead_letters.opened(name, message.properties, message.body, sealer)
                    return _row(name, message) | _content(letter)
    raise CommandFailed(Exit.NOT_FOUND, f"no dead letter {letter_id}", "dictctl dlq list")


def _services(service: str | None) -> tuple[str, ...]:
    names = tuple(topic.name for topic in topics() if topic.namespace == "dead-letters")
    if service is None:
        return names
    if service not in names:
        raise CommandFailed(
            Exit.NOT_FOUND, f"no dead letters are kept for {service}", f"one of {', '.join(names)}"
        )
    return (service,)


def _id(service: str, message: Incoming) -> str:
    return f"{service}/{message.message_id}"


def _row(service: str, message: Incoming) -> dict[str, object]:
    clear = message.properties
    return {
        "id": _id(service, message),
        "service": service,
        "published_at": message.published_at,
        "reason": clear.get("dict_reason"),
        "detail": clear.get("dict_detail"),
        "consumer": clear.get("dict_consumer"),
        "origin_topic": clear.get("dict_origintopic", "").rpartition("//")[2],
        "origin_id": clear.get("dict_originid"),
        "ce_id": clear.get("ce_id"),
        "ce_subject": clear.get("ce_subject"),
    }


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


@asynccontextmanager
async def _reader(service: str) -> AsyncIterator[pulsar.asyncio.Reader]:
    """A reader over all partitions: a subscription that is removed at the end."""
    settings = shared()
    client = pulsar_client.connect(settings.pulsar_url)
    try:
        yield await answered(
            client.create_reader(
                f"persistent://{settings.pulsar_tenant}/dead-letters/{service}",
                pulsar.MessageId.earliest,
            ),
            f"read the dead letters of {service}",
        )
    finally:
        await pulsar_client.close(client)


async def _messages(reader: pulsar.asyncio.Reader) -> AsyncIterator[Incoming]:
    for _ in range(LETTERS_MAX):
        if not await answered(reader.has_message_available(), "look for more"):
            return
        message = await asyncio.wait_for(answered(reader.read_next(), "read"), READ_SECONDS_MAX)
        yield incoming(message)
