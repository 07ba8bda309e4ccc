"""The desk and its relay: operators' requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pulsar.asyncio

from audit_sink.adapters.postgres_letter_actions import PostgresLetterActions
from audit_sink.adapters.postgres_replay_orders import PostgresReplayOrders
from audit_sink.adapters.pulsar_letters import PulsarLetters
from audit_sink.adapters.steady_pace import SteadyPace
from audit_sink.application.dead_letter_desk import SOURCE, DeadLetterDesk, DeskRules
from audit_sink.application.replay_desk import ReplayDesk
from audit_sink.settings import Settings
from dict_common.bus.avro import AvroCodec
from dict_common.bus.client import close as close_pulsar
from dict_common.bus.client import connect as connect_pulsar
from dict_common.bus.event_sender import senders
from dict_common.intake.operators import OperatorDoor
from dict_common.intake.refusals import Refusals, Rejections
from dict_common.kernel.clock import SystemClock
from dict_common.secrecy.events import SealingComposer
from dict_common.secrecy.hybrid import HybridOpener, HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.operators import JwtOperatorTokens
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings
from dict_common.store.database import Database, PoolSize, open_connection
from dict_common.store.relay import Relay
from dict_schemas.topics import dead_letter_services, event_topics

DESK = "audit-desk"
"""Takes operators' requests: a service of its own to topics and database, so that the sink's role
keeps nothing but INSERT and whoever takes requests cannot touch the audit."""
ROLE = "audit_desk"
POOL = PoolSize(1, 5)


@dataclass(frozen=True)
class DeskAdapters:
    """What the desk works with. `letters`, `replays`: doors for the verbs about them."""

    shared: SharedSettings
    database: Database
    pulsar: pulsar.asyncio.Client
    opener: HybridOpener
    rest: TinkRestSealer
    actions: PostgresLetterActions
    letters: OperatorDoor
    replays: OperatorDoor
    refuse: Refusals


@asynccontextmanager
async def open_desk(stop: asyncio.Event) -> AsyncIterator[DeskAdapters]:
    """Everything of the desk, closed at the end; a redrive under way pauses at `stop`.

    Raises Unavailable, ConfigurationInvalid.
    """
    shared, own = read_settings(SharedSettings), read_settings(Settings)
    keysets = KeysetFolder(shared.keys_dir)
    rest = TinkRestSealer(keysets.private("rest"), keysets.private("prf"))
    async with AsyncExitStack() as stack:
        database = await Database.open(shared.postgres_url, ROLE, POOL)
        stack.push_async_callback(database.close)
        client = connect_pulsar(shared.pulsar_url)
        stack.push_async_callback(close_pulsar, client)
        actions, orders = PostgresLetterActions(database), PostgresReplayOrders(database)
        composer = SealingComposer(AvroCodec(), None, HybridSealer(keysets.public("core-public")))
        desk = DeadLetterDesk(
            actions,
            PulsarLetters(client, shared.pulsar_tenant, rest),
            composer,
            SteadyPace(stop),
            DeskRules(dead_letter_services(), own.redrive_per_second),
        )
        tokens = JwtOperatorTokens(keysets.public("operator-issuer-public"), own.operator_issuer)
        yield DeskAdapters(
            shared=shared,
            database=database,
            pulsar=client,
            opener=HybridOpener(keysets.private("command-private")),
            rest=rest,
            actions=actions,
            letters=OperatorDoor(actions, tokens, desk),
            replays=OperatorDoor(
                orders, tokens, ReplayDesk(orders, composer, frozenset(event_topics()))
            ),
            refuse=Refusals(actions, Rejections(composer, SOURCE), SystemClock()),
        )


def open_relay() -> Relay:
    """The desk's relay; it opens what it needs turn by turn. Raises ConfigurationInvalid."""
    shared = read_settings(SharedSettings)

    return Relay(
        ROLE,
        lambda: open_connection(shared.postgres_url, ROLE),
        senders(shared.pulsar_url, shared.pulsar_tenant),
    )
