"""Core, the donor's bank and Bacen, as tests play them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from dict_schemas.generated.dict.bridge.v1 import bridge_pb2
from dict_schemas.generated.dict.simulator.v1 import control_pb2, control_pb2_grpc
from tests.support.world import CLAIMER, DONOR, World

# Vector B of Bacen's CID example.
KEY = "+5561988880000"
TAX_ID = "11122233300"
NAME = "João Silva"
ACCOUNT = "0007654321"
PERSONAL = (KEY, TAX_ID, NAME, ACCOUNT)

DRAFT: Mapping[str, str] = {
    "participant": CLAIMER,
    "type": "PORTABILITY",
    "key_type": "PHONE",
    "key": KEY,
    "account_branch": "0001",
    "account_number": ACCOUNT,
    "account_type": "CACC",
    "account_opening_date": "2020-01-01T00:00:00Z",
    "claimer_type": "NATURAL_PERSON",
    "claimer_tax_id": TAX_ID,
    "claimer_name": NAME,
    "requested_at": "2026-01-02T03:04:05Z",
}


def create_claim(
    world: World,
    claim_id: UUID | None = None,
    command_id: UUID | None = None,
    draft: Mapping[str, str] = DRAFT,
) -> UUID:
    """Publishes `claim.create` as an operator does, and answers the claim's id."""
    chosen = claim_id or uuid4()
    ids = ("--claim-id", str(chosen), "--command-id", str(command_id or uuid4()))
    done = world.dictctl("claim", "create", "-f", "-", *ids, given=json.dumps(draft))
    assert done.returncode == 0, done.stderr
    return chosen


@dataclass
class OtherSide:
    """The donor's participant, and a look into DICT's ledger."""

    control: control_pb2_grpc.SimulatorControlStub

    def seed(self, key: str = KEY, key_type: str = "PHONE", tax_id: str = TAX_ID) -> None:
        """The key stands in DICT with the donor."""
        entry = bridge_pb2.Entry(
            key=key,
            key_type=key_type,
            account=bridge_pb2.Account(
                participant=DONOR,
                branch="0001",
                account_number="1234567",
                account_type="CACC",
                opening_date=Timestamp(seconds=1_577_836_800),
            ),
            owner=bridge_pb2.Owner(type="NATURAL_PERSON", tax_id_number=tax_id, name=NAME),
        )
        self.control.SeedEntry(control_pb2.SeedEntryRequest(entry=entry))

    def act(self, dict_claim_id: str, action: str, reason: str = "") -> None:
        """Acknowledges, confirms or cancels as the donor."""
        self.control.ActOnClaim(
            control_pb2.ActOnClaimRequest(
                claim_id=dict_claim_id, participant=DONOR, action=action, reason=reason
            )
        )

    def operations(self, name: str) -> list[control_pb2.Operation]:
        """The ledger's effective rows of an operation."""
        answer = self.control.ListOperations(control_pb2.ListOperationsRequest(effective_only=True))
        return [row for row in answer.operations if row.operation == name]


@contextmanager
def other_side(world: World) -> Iterator[OtherSide]:
    """A channel to the world's simulator."""
    options = (("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1))
    with grpc.insecure_channel(
        world.environment["DICT_BRIDGE_ADDRESS"], options=options
    ) as channel:
        yield OtherSide(control_pb2_grpc.SimulatorControlStub(channel))
