"""Publishes from the console: commands as Core sends them, requests as an operator does."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import typer

from dict_common.bus.client import close as close_pulsar
from dict_common.bus.client import connect as connect_pulsar
from dict_common.bus.commands import CommandSender
from dict_common.bus.publisher import Publisher
from dict_common.console.environment import shared
from dict_common.console.failures import CommandFailed, Exit
from dict_common.intake.operators import REASON_CHARACTERS_MAX
from dict_common.kernel.bound_tokens import TOKEN, bound_token
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import ConfigurationInvalid
from dict_common.kernel.personal import looks_personal
from dict_common.secrecy.hybrid import HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.telemetry.traces import current_traceparent

SOURCE = "/core/dictctl"
OPERATOR = "operator.request"

DryRun = Annotated[bool, typer.Option("--dry-run", help="check and say, change nothing")]
Why = Annotated[
    str, typer.Option("--why", help="kept in the audit for ever: a ticket, never personal data")
]


def operator_token() -> str:
    """The operator's token. Raises ConfigurationInvalid."""
    settings = shared()
    file = settings.operator_token_file or settings.keys_dir / "operator.jwt"
    try:
        return KeysetFolder(file.parent).text(file.name)
    except ConfigurationInvalid as error:
        raise ConfigurationInvalid(
            "token-missing",
            f"no operator's token in {file}: log in at your issuer, put the token into a file, and "
            "name it in DICT_OPERATOR_TOKEN_FILE",
        ) from error


def check_why(why: str) -> None:
    """Raises CommandFailed for words that an audit kept for ever must not hold."""
    written = why.isprintable() and 0 < len(why) <= REASON_CHARACTERS_MAX
    if not written or looks_personal(why):
        raise CommandFailed(
            Exit.USAGE,
            f"--why: 1 to {REASON_CHARACTERS_MAX} printable characters, no phone, tax id or "
            "e-mail: it stays in the audit for ever",
        )


@dataclass(frozen=True)
class Draft:
    """A command to be published: its type, the aggregate that it is about, its id and body."""

    name: str
    aggregate_type: str
    subject: str
    id: UUID
    record: Mapping[str, object]


def operator_request(aggregate_type: str, request_id: UUID, record: Mapping[str, object]) -> Draft:
    """`operator.request` about `record["target"]`. Raises ConfigurationInvalid without a token."""
    return by_operator(OPERATOR, aggregate_type, "target", request_id, record)


def by_operator(
    name: str, aggregate_type: str, about: str, command_id: UUID, record: Mapping[str, object]
) -> Draft:
    """A command about `record[about]` with the operator's token, bound to it and to nothing else.

    Raises ConfigurationInvalid without a token.
    """
    bound = bound_token(operator_token(), command_id, record)
    return Draft(name, aggregate_type, str(record[about]), command_id, {**record, TOKEN: bound})


async def publish(*drafts: Draft) -> None:
    """Publishes in this order, each on the broker's disk before the next.

    Raises Unavailable, CommandFailed for a record that the schema refuses.
    """
    async with _open_sender() as sender:
        for draft in drafts:
            envelope = Envelope(
                id=draft.id,
                type=draft.name,
                source=SOURCE,
                time=SystemClock().now(),
                subject=draft.subject,
                aggregate_type=draft.aggregate_type,
                correlation_id=str(draft.id),
                traceparent=current_traceparent(),
            )
            try:
                await sender.send(envelope, draft.record)
            except ValueError as error:
                raise CommandFailed(
                    Exit.USAGE,
                    f"{draft.name} cannot be written: {error}",
                    f"dictctl schema check {draft.name}",
                ) from None


@asynccontextmanager
async def _open_sender() -> AsyncIterator[CommandSender]:
    """Publishes as Core does: to the topic, sealed to our public keyset."""
    settings = shared()
    client = connect_pulsar(settings.pulsar_url)
    try:
        sealer = HybridSealer(KeysetFolder(settings.keys_dir).public("command-public"))
        yield CommandSender(Publisher(client, settings.pulsar_tenant), sealer)
    finally:
        await close_pulsar(client)
