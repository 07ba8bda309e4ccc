"""Publishes commands as Core does, and as nobody should."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pulsar
import pulsar.asyncio

from devstack.cast import CLAIMER
from dict_common.bus.avro import AvroCodec
from dict_common.bus.client import close, connect
from dict_common.bus.router import route
from dict_common.bus.schemas import Encoded
from dict_common.kernel.bound_tokens import TOKEN, bound_token
from dict_common.kernel.envelope import Envelope
from dict_common.secrecy.hybrid import HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from dict_schemas import avro
from tests.support.core import ACCOUNT, KEY, NAME, TAX_ID
from tests.support.world import World

CREATE = "claim.create"
DECIDE = "claim.decide"
OTP_SOURCE = "/dict-connect/otp"


def record(claim_id: UUID, **changes: object) -> dict[str, object]:
    """A good `claim.create` in clear, with changes."""
    return {
        "claim_id": str(claim_id),
        "participant": CLAIMER,
        "type": "PORTABILITY",
        "key_type": "PHONE",
        "key": KEY,
        "account_branch": "0001",
        "account_number": ACCOUNT,
        "account_type": "CACC",
        "account_opening_date": datetime(2020, 1, 1, tzinfo=UTC),
        "claimer_type": "NATURAL_PERSON",
        "claimer_tax_id": TAX_ID,
        "claimer_name": NAME,
        "claimer_trade_name": None,
        "owner_ispb": None,
        "entry_id": None,
        "requested_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "requested_by": None,
    } | changes


def properties(
    claim_id: UUID | str, command_id: UUID | None = None, name: str = CREATE
) -> dict[str, str]:
    """The envelope of a good command about a claim."""
    return Envelope(
        id=command_id or uuid4(),
        type=name,
        source="/core/tests",
        time=datetime.now(UTC),
        subject=str(claim_id),
        aggregate_type="claim",
    ).to_properties()


@dataclass(frozen=True)
class Core:
    """A producer that may also misbehave."""

    client: pulsar.asyncio.Client
    tenant: str
    sealer: HybridSealer

    def sealed(self, clear: Mapping[str, object], name: str = CREATE) -> bytes:
        """The Avro body, personal fields sealed as they should be."""
        definition = avro.definition(name)
        fields = avro.pii_fields(definition)
        return AvroCodec().encode(
            name, self.sealer.seal_fields(avro.record_name(definition), clear, fields)
        )

    async def send(
        self,
        key: str,
        body: bytes,
        message_properties: Mapping[str, str],
        schema: pulsar.schema.Schema | None = None,
    ) -> None:
        """Sends whatever it is given to the command's topic, `claim.create` unless its ce_type
        says another."""
        name = message_properties.get("ce_type", CREATE)
        producer = await self.client.create_producer(
            f"persistent://{self.tenant}/commands/{name}",
            schema=schema or Encoded(name),
            batching_enabled=False,
            message_router=route,
        )
        await producer.send(body, properties=dict(message_properties), partition_key=key)
        await producer.close()

    async def command(self, name: str, clear: Mapping[str, object], about: UUID | str) -> UUID:
        """Sends a command about a claim, or about what an operator names, the operator's token
        bound to it; answers its id."""
        command_id = uuid4()
        if TOKEN in clear:
            clear = {**clear, TOKEN: bound_token(str(clear[TOKEN]), command_id, clear)}
        body = self.sealed(clear, name)
        await self.send(str(about), body, properties(about, command_id, name))
        return command_id

    async def proves(self, claim_id: UUID, at: datetime, source: str = OTP_SOURCE) -> UUID:
        """`otp.validated`, as the otp service would tell it."""
        otp_id, name = uuid4(), "otp.validated"
        body = AvroCodec().encode(
            name,
            {
                "otp_id": str(otp_id),
                "operation_type": "CLAIM",
                "operation_id": str(claim_id),
                "participant": CLAIMER,
                "subject_id": None,
                "validated_at": at,
            },
        )
        envelope = Envelope(uuid4(), name, source, at, str(otp_id), "otp", sequence=1)
        producer = await self.client.create_producer(
            f"persistent://{self.tenant}/events/{name}",
            schema=Encoded(name),
            batching_enabled=False,
            message_router=route,
        )
        await producer.send(body, properties=envelope.to_properties(), partition_key=str(otp_id))
        await producer.close()
        return otp_id


def decision(claim_id: UUID, word: str = "REFUSE", **changes: object) -> dict[str, object]:
    """A good `claim.decide` in clear, with changes."""
    return {
        "claim_id": str(claim_id),
        "role": "CLAIMER",
        "decision": word,
        "reason": None,
        "otp_id": None,
        "decided_at": datetime.now(UTC),
        "decided_by": "user-1",
    } | changes


@asynccontextmanager
async def core_of(world: World) -> AsyncIterator[Core]:
    """Core in a world."""
    client = connect(world.environment["DICT_PULSAR_URL"])
    sealer = HybridSealer(
        KeysetFolder(Path(world.environment["DICT_KEYS_DIR"])).public("command-public")
    )
    try:
        yield Core(client, world.environment["DICT_PULSAR_TENANT"], sealer)
    finally:
        await close(client)
