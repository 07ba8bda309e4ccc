"""Dead letters of a world: buried as a service does, read back from where they go."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pulsar
import pulsar.asyncio

from dict_common.bus.client import close, connect
from dict_common.bus.dead_letters import DeadLetters
from dict_common.bus.incoming import Incoming, incoming
from dict_common.bus.letters import Letters
from dict_common.bus.redrive import redrive_topic
from dict_common.kernel.errors import Undeliverable
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from tests.support.world import World

UNDECODABLE = Undeliverable("undecodable", "it is no Avro")


@dataclass(frozen=True)
class Graveyard:
    """A client of a world's broker, with the world's keys."""

    client: pulsar.asyncio.Client
    tenant: str
    rest: TinkRestSealer

    async def bury(self, service: str, *bodies: bytes, key: str = "") -> list[Incoming]:
        """Buries messages of these bodies, one after the other; answers what it buried.

        `key` of all of them; each its own if left out.
        """
        letters = DeadLetters(self.client, self.tenant, service, self.rest)
        buried = [self.message(body, key or str(uuid4())) for body in bodies]
        for message in buried:
            await letters.bury(message, f"{service}.tests", UNDECODABLE)
        return buried

    def message(self, body: bytes, key: str) -> Incoming:
        """A message about nobody."""
        return Incoming(
            topic=f"persistent://{self.tenant}/commands/claim.create",
            partition=0,
            message_id=f"9:{uuid4().int % 10**9}:0:-1",
            key=key,
            properties={"ce_id": str(uuid4()), "ce_subject": str(uuid4())},
            body=body,
            published_at=datetime.now(UTC),
            redelivery_count=0,
            schema_version=0,
            message=None,
        )

    def letters(self, service: str) -> Letters:
        """Reads them where they lie."""
        return Letters(self.client, self.tenant, service)

    async def given_back(self, service: str, subscription: str) -> pulsar.asyncio.Consumer:
        """A consumer of what goes back, from the beginning."""
        return await self.client.subscribe(
            redrive_topic(self.tenant, service),
            subscription,
            consumer_type=pulsar.ConsumerType.KeyShared,
            initial_position=pulsar.InitialPosition.Earliest,
        )


@asynccontextmanager
async def graveyard_of(world: World) -> AsyncIterator[Graveyard]:
    """Closed at the end."""
    client = connect(world.environment["DICT_PULSAR_URL"])
    keysets = KeysetFolder(Path(world.environment["DICT_KEYS_DIR"]))
    rest = TinkRestSealer(keysets.private("rest"), keysets.private("prf"))
    try:
        yield Graveyard(client, world.environment["DICT_PULSAR_TENANT"], rest)
    finally:
        await close(client)


async def received(consumer: pulsar.asyncio.Consumer) -> Incoming:
    """The next message, acknowledged."""
    message = await consumer.receive()
    await consumer.acknowledge(message)
    return incoming(message)
