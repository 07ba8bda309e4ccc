"""Core as a patient publisher: commands and proofs go out again until the broker has them."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from devstack.cast import CLAIMER
from dict_common.bus.avro import AvroCodec
from dict_common.bus.client import close, connect
from dict_common.bus.commands import CommandSender
from dict_common.bus.publisher import Publisher
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import Unavailable
from dict_common.secrecy.hybrid import HybridSealer
from dict_common.secrecy.keysets import KeysetFolder
from tests.faults.plan import ClaimPlan
from tests.support.world import World

PATIENCE_SECONDS = 120.0
SOURCE = "/core/faults"
PROOF = "otp.validated"


@dataclass(frozen=True)
class CoreSide:
    """Publishes in one world."""

    publisher: Publisher
    sender: CommandSender

    async def create(self, claim: ClaimPlan, claim_id: UUID, command_id: UUID) -> None:
        """`claim.create`."""
        person = claim.person
        record = {
            "claim_id": str(claim_id),
            "participant": CLAIMER,
            "type": claim.type,
            "key_type": person.key_type,
            "key": person.key,
            "account_branch": "0001",
            "account_number": person.account,
            "account_type": "CACC",
            "account_opening_date": datetime(2020, 1, 1, tzinfo=UTC),
            "claimer_type": "NATURAL_PERSON",
            "claimer_tax_id": person.tax_id,
            "claimer_name": person.name,
            "claimer_trade_name": None,
            "owner_ispb": None,
            "entry_id": None,
            "requested_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            "requested_by": None,
        }
        await self.command("claim.create", claim_id, command_id, record)

    async def decide(
        self, claim_id: UUID, command_id: UUID, *, accept: bool, decided_at: datetime
    ) -> None:
        """`claim.decide`."""
        record = {
            "claim_id": str(claim_id),
            "role": "CLAIMER",
            "decision": "ACCEPT" if accept else "REFUSE",
            "reason": None,
            "otp_id": None,
            "decided_at": decided_at,
            "decided_by": "core-faults",
        }
        await self.command("claim.decide", claim_id, command_id, record)

    async def prove(self, claim_id: UUID) -> None:
        """`otp.validated`, as the otp service would tell it."""
        otp_id, now = uuid4(), datetime.now(UTC)
        envelope = Envelope(
            id=uuid4(),
            type=PROOF,
            source="/dict-connect/otp",
            time=now,
            subject=str(otp_id),
            aggregate_type="otp",
            sequence=1,
        )
        record = {
            "otp_id": str(otp_id),
            "operation_type": "CLAIM",
            "operation_id": str(claim_id),
            "participant": CLAIMER,
            "subject_id": None,
            "validated_at": now,
        }
        body = AvroCodec().encode(PROOF, record)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                await self.publisher.publish(f"events/{PROOF}", str(otp_id), envelope, body)
            except Unavailable:
                await _again(deadline)
            else:
                return

    async def command(
        self, name: str, about: UUID | str, command_id: UUID, record: Mapping[str, object]
    ) -> None:
        """Any command, under one id however often it goes out."""
        envelope = Envelope(
            id=command_id,
            type=name,
            source=SOURCE,
            time=datetime.now(UTC),
            subject=str(about),
            aggregate_type="claim",
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                await self.sender.send(envelope, record)
            except Unavailable:
                await _again(deadline)
            else:
                return


async def _again(deadline: float) -> None:
    assert time.monotonic() < deadline, "the broker took nothing for two minutes"
    await asyncio.sleep(0.2)


@asynccontextmanager
async def core_side(world: World) -> AsyncIterator[CoreSide]:
    """Core in a world."""
    client = connect(world.environment["DICT_PULSAR_URL"])
    publisher = Publisher(client, world.environment["DICT_PULSAR_TENANT"])
    keys = KeysetFolder(Path(world.environment["DICT_KEYS_DIR"]))
    try:
        yield CoreSide(
            publisher, CommandSender(publisher, HybridSealer(keys.public("command-public")))
        )
    finally:
        await close(client)
