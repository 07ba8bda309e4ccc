"""Keys that stand in DICT and in our base, and what changes them behind our back."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID, uuid4

import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp

from devstack.cast import CLAIMER
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2, bridge_pb2_grpc
from dict_schemas.generated.dict.simulator.v1 import control_pb2, control_pb2_grpc
from tests.support.publishing import Core, core_of
from tests.support.waiting import until
from tests.support.world import World

if TYPE_CHECKING:  # these names stand in the typing stubs alone
    from dict_schemas.generated.dict.bridge.v1.bridge_pb2_grpc import BridgeAsyncStub
    from dict_schemas.generated.dict.simulator.v1.control_pb2_grpc import SimulatorControlAsyncStub

OWNER = "Maria Souza"
OPENED = Timestamp(seconds=1_577_836_800)
RUN_SECONDS_MAX = 180.0


@dataclass(frozen=True)
class Key:
    """A key as its participant registered it. `version`: Core's number of its last change."""

    key: str
    tax_id: str
    account: str
    key_type: str = "PHONE"
    name: str = OWNER
    participant: str = CLAIMER
    entry_id: UUID = field(default_factory=uuid4)
    request_id: UUID = field(default_factory=uuid4)
    version: int = 1

    def renamed(self, name: str) -> Self:
        """The same key under another name."""
        return replace(self, name=name, version=self.version + 1)

    def entry(self) -> bridge_pb2.Entry:
        """As the Bridge takes it."""
        return bridge_pb2.Entry(
            key=self.key,
            key_type=self.key_type,
            account=bridge_pb2.Account(
                participant=self.participant,
                branch="0001",
                account_number=self.account,
                account_type="CACC",
                opening_date=OPENED,
            ),
            owner=bridge_pb2.Owner(
                type="NATURAL_PERSON", tax_id_number=self.tax_id, name=self.name
            ),
        )

    def report(self, operation: str = "CREATED") -> dict[str, Any]:
        """As Core reports it."""
        gone = operation == "DELETED"
        values = {
            "key": self.key,
            "tax_id": self.tax_id,
            "name": self.name,
            "trade_name": None,
            "branch": "0001",
            "account_number": self.account,
            "account_type": "CACC",
            "request_id": str(self.request_id),
        }
        return {
            "entry_id": str(self.entry_id),
            "operation": operation,
            "version": self.version,
            "dict_time": datetime.now(UTC),
            "participant": self.participant,
            "key_type": self.key_type,
            **(dict.fromkeys(values) if gone else values),
        }


def phone(number: int, participant: str = CLAIMER) -> Key:
    """One of ten thousand, each of its own person."""
    return Key(
        key=f"+55619777{number:05d}",
        tax_id=f"{20_000_000_000 + number}",
        account=f"{3_000_000_000 + number}",
        participant=participant,
    )


@dataclass(frozen=True)
class Bank:
    """Our participant: at DICT, in Core, and as an operator."""

    world: World
    core: Core
    bridge: "BridgeAsyncStub"
    control: "SimulatorControlAsyncStub"

    async def register(self, *keys: Key) -> str:
        """At DICT alone, each under its RequestId; answers the last one's CID."""
        cid = ""
        for it in keys:
            seeded = await self.control.SeedEntry(
                control_pb2.SeedEntryRequest(entry=it.entry(), request_id=str(it.request_id))
            )
            cid = seeded.cid
        return cid

    async def report(self, *keys: Key, operation: str = "CREATED") -> None:
        """To our base alone, and waits until it is there."""
        for it in keys:
            await self.core.command("entry.report", it.report(operation), it.entry_id)
        for it in keys:
            await self.known(it)

    async def known(self, key: Key) -> None:
        """Core's last word about the key is in our base."""

        async def look() -> bool:
            connection = await self.world.connect("operator_ro")
            try:
                number = await connection.fetchval(
                    "SELECT (numbers->>'CORE')::bigint FROM vsync.entries WHERE entry_id = $1",
                    key.entry_id,
                )
            finally:
                await connection.close()
            return number is not None and number >= key.version

        await until(look, "Core's report is in our base")

    async def hold(self, *keys: Key) -> None:
        """At DICT and in our base."""
        await self.register(*keys)
        await self.report(*keys)

    async def rename_at_dict(self, key: Key, name: str) -> Key:
        """Behind our back."""
        changed = key.renamed(name)
        await self.bridge.UpdateEntry(
            bridge_pb2.UpdateEntryRequest(
                key=key.key,
                account=changed.entry().account,
                owner=changed.entry().owner,
                reason="USER_REQUESTED",
            )
        )
        return changed

    async def remove_at_dict(self, key: Key) -> None:
        """Behind our back."""
        await self.bridge.DeleteEntry(
            bridge_pb2.DeleteEntryRequest(
                key=key.key, participant=key.participant, reason="USER_REQUESTED"
            )
        )

    async def run(self, sync_type: str = "INCREMENTAL", **changes: object) -> dict[str, Any]:
        """A run now; the event of its end, as audit has it."""
        known = {row["event_id"] for row in await self.ends()}
        asked = {
            "participant": CLAIMER,
            "sync_type": sync_type,
            "last_sync_date": None,
            "requested_at": datetime.now(UTC),
            "requested_by": "operator-1",
        } | changes
        await self.core.command("vsync.run", asked, CLAIMER)

        async def look() -> dict[str, Any] | None:
            new = [row for row in await self.ends() if row["event_id"] not in known]
            whole = [row for row in new if row["event_payload"].get("key_type") is None]
            return whole[0] if whole else None

        found = await until(look, "the run has ended", RUN_SECONDS_MAX)
        assert found is not None
        return found

    async def ends(self) -> list[dict[str, Any]]:
        """`vsync.completed` and `vsync.failed`."""
        return await self.told("vsync.completed", "vsync.failed")

    async def told(self, *names: str) -> list[dict[str, Any]]:
        """Events of these types in the audit, oldest first."""
        rows = await self.rows(
            "SELECT event_id, event_type, event_payload::text FROM audit.workflow_events "
            "WHERE event_subtype = ANY($1::text[]) ORDER BY occurred_at",
            list(names),
        )
        return [row | {"event_payload": json.loads(row["event_payload"])} for row in rows]

    async def rows(self, query: str, *arguments: object) -> list[dict[str, Any]]:
        """Of our base, as an operator reads it."""
        connection = await self.world.connect("operator_ro")
        try:
            return [dict(row) for row in await connection.fetch(query, *arguments)]
        finally:
            await connection.close()


@asynccontextmanager
async def bank_of(world: World) -> AsyncIterator[Bank]:
    """Our participant in a world."""
    async with (
        core_of(world) as core,
        grpc.aio.insecure_channel(
            world.environment["DICT_BRIDGE_ADDRESS"],
            options=(("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)),
        ) as channel,
    ):
        bridge = bridge_pb2_grpc.BridgeStub(channel)
        control = control_pb2_grpc.SimulatorControlStub(channel)
        yield Bank(world, core, bridge, control)
