"""Who plays in demo stories and tests: Core with its command, the donor's bank, DICT's ledger.

All act from outside: Core by `dictctl`, which publishes to the topic; the donor by the simulator's
control service. The values are Bacen's own example (CID vector B).
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from devstack.failures import StackFailure
from dict_common.bus.client import close, connect
from dict_common.bus.publisher import Publisher
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.envelope import Envelope
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2, bridge_pb2_grpc
from dict_schemas.generated.dict.simulator.v1 import control_pb2, control_pb2_grpc

CLAIMER = "12345678"
DONOR = "87654321"

KEY = "+5561988880000"
EMAIL = "joao.silva@example.com"
TAX_ID = "11122233300"
NAME = "João Silva"
ACCOUNT = "0007654321"
MORE_KEYS = tuple(f"+556198888{number:04d}" for number in range(1, 10))
"""A phone for each story that needs one of its own."""
PERSONAL = (KEY, EMAIL, *MORE_KEYS, TAX_ID, NAME, ACCOUNT)
"""What may stand in clear in no table, topic, log or history."""

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

DICTCTL_SECONDS_MAX = 120
CALL_SECONDS_MAX = 30.0
LOCKED = "EntryLockedByClaim"
UNLOCK_ATTEMPTS_MAX = 20
UNLOCK_SECONDS = 1.0
_OPTIONS = (("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1))


@dataclass(frozen=True)
class Operator:
    """Types `dictctl` in an environment."""

    environment: Mapping[str, str]

    def types(self, *words: str, given: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Runs a verb; `given` is its standard input."""
        return subprocess.run(
            [str(Path(sys.executable).parent / "dictctl"), *words],
            env=dict(self.environment),
            input=given,
            capture_output=True,
            text=True,
            timeout=DICTCTL_SECONDS_MAX,
            check=False,
        )

    def reads(self, *words: str) -> Any:
        """The JSON that a verb prints. Raises StackFailure with what it said instead."""
        done = self.types(*words, "-o", "json")
        if done.returncode != 0:
            raise StackFailure(f"dictctl {' '.join(words)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def creates_claim(
        self, claim_id: UUID, command_id: UUID, draft: Mapping[str, str] = DRAFT
    ) -> None:
        """Publishes `claim.create` to the topic. Raises StackFailure."""
        ids = ("--claim-id", str(claim_id), "--command-id", str(command_id))
        done = self.types("claim", "create", "-f", "-", *ids, given=json.dumps(draft))
        if done.returncode != 0:
            raise StackFailure(f"dictctl claim create: {done.stderr.strip()}")

    def decides(self, claim_id: UUID, decision: str, *options: str) -> None:
        """Publishes `claim.decide` to the topic. Raises StackFailure."""
        done = self.types("claim", "decide", str(claim_id), decision, *options)
        if done.returncode != 0:
            raise StackFailure(f"dictctl claim decide: {done.stderr.strip()}")


@dataclass(frozen=True)
class OtherSide:
    """The donor's participant, and a look into DICT and its ledger."""

    control: control_pb2_grpc.SimulatorControlStub
    bridge: bridge_pb2_grpc.BridgeStub

    def seed(self, key: str = KEY, key_type: str = "PHONE") -> None:
        """The key stands in DICT with the donor, whoever had it before.

        A claim that an earlier run left open is refused by the donor; one that is confirmed is
        waited for. Raises StackFailure if the key stays locked.
        """
        entry = bridge_pb2.Entry(
            key=key,
            key_type=key_type,
            account=bridge_pb2.Account(
                participant=DONOR,
                branch="0001",
                account_number=key[-7:] if key_type == "PHONE" else "1234567",  # 5 keys an account
                account_type="CACC",
                opening_date=Timestamp(seconds=1_577_836_800),
            ),
            owner=bridge_pb2.Owner(type="NATURAL_PERSON", tax_id_number=TAX_ID, name=NAME),
        )
        for _ in range(UNLOCK_ATTEMPTS_MAX):
            self._take_away(key)
            try:
                self.control.SeedEntry(
                    control_pb2.SeedEntryRequest(entry=entry), timeout=CALL_SECONDS_MAX
                )
            except grpc.RpcError as refused:
                if refused.details() != LOCKED:
                    raise StackFailure(
                        f"DICT refuses the donor's entry: {refused.details()}"
                    ) from None
            else:
                return
            self._refuse_open_claims(key)
            time.sleep(UNLOCK_SECONDS)
        raise StackFailure(
            "The demo's key is locked by a claim of an earlier run that is not over. Look: "
            "./dev run dictctl claim list. Or start afresh: ./dev clean"
        )

    def holds(self, key: str, participant: str, account: str, request_id: str) -> str:
        """The phone stands in DICT with that participant, under that RequestId; answers its CID."""
        self._take_away(key)
        entry = bridge_pb2.Entry(
            key=key,
            key_type="PHONE",
            account=bridge_pb2.Account(
                participant=participant,
                branch="0001",
                account_number=account,
                account_type="CACC",
                opening_date=Timestamp(seconds=1_577_836_800),
            ),
            owner=bridge_pb2.Owner(type="NATURAL_PERSON", tax_id_number=TAX_ID, name=NAME),
        )
        seeded = self.control.SeedEntry(
            control_pb2.SeedEntryRequest(entry=entry, request_id=request_id),
            timeout=CALL_SECONDS_MAX,
        )
        return seeded.cid

    def takes_away(self, *keys: str) -> None:
        """What an earlier run left of them."""
        for key in keys:
            self._take_away(key)

    def hides(self, cid: str) -> None:
        """Whoever asks whose this CID is, is refused; without one, nobody is any more."""
        refused = control_pb2.InjectedProblem(type="Forbidden")
        fault = control_pb2.Fault(operation="GetEntryByCid", cid=cid, problem=refused)
        plan = control_pb2.SetFaultsRequest(faults=[fault] if cid else [])
        self.control.SetFaults(plan, timeout=CALL_SECONDS_MAX)

    def refuses_all(self, on: bool) -> None:
        """Whatever is asked, until it is switched off."""
        refused = control_pb2.InjectedProblem(type="Forbidden")
        outage = control_pb2.SetOutageRequest(on=on, problem=refused if on else None)
        self.control.SetOutage(outage, timeout=CALL_SECONDS_MAX)

    def renames(self, key: str, name: str) -> None:
        """The key's owner has another name, and its participant was not told."""
        owner = bridge_pb2.Owner(type="NATURAL_PERSON", tax_id_number=TAX_ID, name=name)
        self.control.ChangeEntry(
            control_pb2.ChangeEntryRequest(key=key, owner=owner), timeout=CALL_SECONDS_MAX
        )

    def removes(self, key: str) -> None:
        """DICT has the key no more, and its participant was not told."""
        self.control.RemoveEntry(control_pb2.RemoveEntryRequest(key=key), timeout=CALL_SECONDS_MAX)

    def act(self, dict_claim_id: str, action: str, reason: str = "") -> None:
        """Acknowledges, confirms or cancels as the donor."""
        self.control.ActOnClaim(
            control_pb2.ActOnClaimRequest(
                claim_id=dict_claim_id, participant=DONOR, action=action, reason=reason
            ),
            timeout=CALL_SECONDS_MAX,
        )

    def operations(self, name: str, dict_claim_id: str = "") -> list[control_pb2.Operation]:
        """The ledger's effective rows of an operation, of one claim or of all."""
        found: list[control_pb2.Operation] = []
        after = 0
        while True:
            answer = self.control.ListOperations(
                control_pb2.ListOperationsRequest(
                    claim_id=dict_claim_id, after_sequence=after, effective_only=True, limit=1000
                ),
                timeout=CALL_SECONDS_MAX,
            )
            found += [row for row in answer.operations if row.operation == name]
            if not answer.has_more_elements:
                return found
            after = answer.operations[-1].sequence

    def _take_away(self, key: str) -> None:
        """Removes the entry that an earlier run left with either participant."""
        for participant in (DONOR, CLAIMER):
            with contextlib.suppress(grpc.RpcError):  # not there, or locked: seeding will tell
                self.bridge.DeleteEntry(
                    bridge_pb2.DeleteEntryRequest(
                        key=key, participant=participant, reason="USER_REQUESTED"
                    ),
                    timeout=CALL_SECONDS_MAX,
                )

    def _refuse_open_claims(self, key: str) -> None:
        answer = self.bridge.ListClaims(
            bridge_pb2.ListClaimsRequest(
                participant=DONOR, status=["OPEN", "WAITING_RESOLUTION"], limit=200
            ),
            timeout=CALL_SECONDS_MAX,
        )
        for claim in answer.claims:
            if claim.key == key:
                self.act(claim.id, "CANCEL", "USER_REQUESTED")


async def publish_junk(environment: Mapping[str, str], claim_id: UUID) -> None:
    """Bytes that are no command, under a good envelope, as a broken Core would send them."""
    client = connect(environment["DICT_PULSAR_URL"])
    envelope = Envelope(
        id=claim_id,
        type="claim.create",
        source="/core/broken",
        time=SystemClock().now(),
        subject=str(claim_id),
        aggregate_type="claim",
    )
    try:
        publisher = Publisher(client, environment["DICT_PULSAR_TENANT"])
        await publisher.publish("commands/claim.create", str(claim_id), envelope, b"\x00\xff junk")
    finally:
        await close(client)


@contextmanager
def other_side(environment: Mapping[str, str]) -> Iterator[OtherSide]:
    """A channel to the simulator of an environment."""
    address = environment["DICT_BRIDGE_ADDRESS"]
    with grpc.insecure_channel(address, options=_OPTIONS) as channel:
        yield OtherSide(
            control_pb2_grpc.SimulatorControlStub(channel), bridge_pb2_grpc.BridgeStub(channel)
        )
