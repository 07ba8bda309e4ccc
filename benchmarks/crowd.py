"""Many claims at once: their keys in the simulator, and their commands as Core sends them."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import pulsar
import pulsar.asyncio
from google.protobuf.timestamp_pb2 import Timestamp

from devstack.cast import DONOR, NAME, TAX_ID, OtherSide, other_side
from dict_common.bus.avro import AvroCodec
from dict_common.bus.client import close, connect
from dict_common.bus.router import route
from dict_common.bus.schemas import Encoded
from dict_common.secrecy.hybrid import HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from dict_schemas import avro
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2
from dict_schemas.generated.dict.simulator.v1 import control_pb2
from tests.support.publishing import CREATE, properties, record
from tests.support.world import World

FIRST_KEY = 5561_900_000_000
LEDGER_PAGE = 1_000
IN_FLIGHT = 500
"""Commands without an answer yet; the client refuses what comes to more than 1,000."""
CALL_SECONDS_MAX = 30.0


@dataclass(frozen=True)
class Member:
    """A claim to be and the key that it is about."""

    key: str
    claim_id: UUID = field(default_factory=uuid4)


def crowd(number: int, first: int = 0) -> list[Member]:
    """So many claims of as many keys."""
    return [Member(f"+{FIRST_KEY + first + it}") for it in range(number)]


def seed(world: World, members: Sequence[Member]) -> None:
    """Their keys stand in DICT with the donor. The simulator must run."""
    with other_side(world.environment) as side:
        for member in members:
            entry = bridge_pb2.Entry(
                key=member.key,
                key_type="PHONE",
                account=bridge_pb2.Account(
                    participant=DONOR,
                    branch="0001",
                    account_number=member.key[-8:],
                    account_type="CACC",
                    opening_date=Timestamp(seconds=1_577_836_800),
                ),
                owner=bridge_pb2.Owner(type="NATURAL_PERSON", tax_id_number=TAX_ID, name=NAME),
            )
            side.control.SeedEntry(
                control_pb2.SeedEntryRequest(entry=entry), timeout=CALL_SECONDS_MAX
            )


@dataclass(frozen=True)
class Commands:
    """Core's producer of `claim.create`."""

    producer: pulsar.asyncio.Producer
    sealer: HybridSealer

    def sealed(self, member: Member) -> bytes:
        """The body, personal fields sealed."""
        definition = avro.definition(CREATE)
        clear = record(member.claim_id, key=member.key)
        fields = avro.pii_fields(definition)
        sealed = self.sealer.seal_fields(avro.record_name(definition), clear, fields)
        return AvroCodec().encode(CREATE, sealed)

    async def send(self, member: Member, body: bytes) -> None:
        """Waits until the broker has it."""
        await self.producer.send(
            body, properties=properties(member.claim_id), partition_key=str(member.claim_id)
        )


@asynccontextmanager
async def commands_of(world: World) -> AsyncIterator[Commands]:
    """Core in a world."""
    client = connect(world.environment["DICT_PULSAR_URL"])
    tenant = world.environment["DICT_PULSAR_TENANT"]
    keys = KeysetFolder(Path(world.environment["DICT_KEYS_DIR"]))
    try:
        producer = await client.create_producer(
            f"persistent://{tenant}/commands/{CREATE}",
            schema=Encoded(CREATE),
            batching_enabled=False,
            message_router=route,
        )
        yield Commands(producer, HybridSealer(keys.public("command-public")))
    finally:
        await close(client)


async def publish_all(world: World, members: Sequence[Member]) -> None:
    """As fast as the broker takes them."""
    async with commands_of(world) as commands:
        bodies = [(member, commands.sealed(member)) for member in members]
        for first in range(0, len(bodies), IN_FLIGHT):
            sends = (commands.send(*it) for it in bodies[first : first + IN_FLIGHT])
            await asyncio.gather(*sends)


@contextmanager
def running(world: World, *names: str) -> Iterator[World]:
    """Processes of ours, stopped at the end."""
    world.start(*names)
    try:
        yield world
    finally:
        for name in names:
            world.stop(name)


def calls(side: OtherSide, operation: str, after: int = 0) -> list[control_pb2.Operation]:
    """The ledger's rows of an operation."""
    found: list[control_pb2.Operation] = []
    while True:
        answer = side.control.ListOperations(
            control_pb2.ListOperationsRequest(after_sequence=after, limit=LEDGER_PAGE),
            timeout=CALL_SECONDS_MAX,
        )
        found += [row for row in answer.operations if row.operation == operation]
        if not answer.has_more_elements:
            return found
        after = answer.operations[-1].sequence
