"""DICT as the runner sees and moves it, by the simulator's back door; it may be away."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from devstack.cast import DONOR
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2, bridge_pb2_grpc
from dict_schemas.generated.dict.simulator.v1 import control_pb2, control_pb2_grpc
from tests.faults.plan import DAY_SECONDS, OWNERSHIP, BridgeFault, ClaimPlan, Donor

CALL_SECONDS_MAX = 10.0
CLAIMER_DAYS_AFTER_RESOLUTION = 23
OTHER_TAX_ID, OTHER_NAME = "70000000001", "Dona Anterior"
_OPTIONS = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 300),
)


@dataclass(frozen=True)
class DictSide:
    """Every method raises grpc.RpcError while the simulator is away."""

    control: control_pb2_grpc.SimulatorControlStub
    bridge: bridge_pb2_grpc.BridgeStub

    def prepare(self, claims: tuple[ClaimPlan, ...], faults: tuple[BridgeFault, ...]) -> None:
        """The donor's entries, what the donor will do, and what goes wrong."""
        for claim in claims:
            if claim.donor is not Donor.HAS_NOT:
                self._seed(claim)
        acts = [act for claim in claims for act in acts_of(claim)]
        self.control.SetScript(control_pb2.SetScriptRequest(acts=acts), timeout=CALL_SECONDS_MAX)
        plan = control_pb2.SetFaultsRequest(faults=[fault_of(one) for one in faults])
        self.control.SetFaults(plan, timeout=CALL_SECONDS_MAX)

    def recover(self) -> None:
        """Nothing goes wrong any more; acts that are under way stay."""
        self.control.SetFaults(control_pb2.SetFaultsRequest(), timeout=CALL_SECONDS_MAX)
        self.outage(on=False)

    def outage(self, *, on: bool) -> None:
        """Takes the whole Bridge away, or brings it back."""
        self.control.SetOutage(control_pb2.SetOutageRequest(on=on), timeout=CALL_SECONDS_MAX)

    def opened(self, claim_id: UUID, after: int) -> str | None:
        """DICT's id of our claim, by the x-request-id of the call that opened it."""
        ours = f"claim-{claim_id}:"
        for row in self.operations(after):
            if row.operation == "CreateClaim" and row.x_request_id.startswith(ours):
                return row.claim_id
        return None

    def status(self, dict_claim_id: str, after: int) -> str:
        """Where the ledger leaves a claim; empty if it has nothing of it."""
        rows = [row for row in self.operations(after) if row.claim_id == dict_claim_id]
        return rows[-1].status_after if rows else ""

    def operations(self, after: int) -> list[control_pb2.Operation]:
        """The ledger's effective rows beyond a sequence."""
        found: list[control_pb2.Operation] = []
        while True:
            answer = self.control.ListOperations(
                control_pb2.ListOperationsRequest(
                    after_sequence=after, effective_only=True, limit=1000
                ),
                timeout=CALL_SECONDS_MAX,
            )
            found += answer.operations
            if not answer.has_more_elements:
                return found
            after = answer.operations[-1].sequence

    def move_deadline(self, dict_claim_id: str, deadline: datetime, day_seconds: int) -> None:
        """DICT shows another ResolutionPeriodEnd, so that the claimer's day 30 is `deadline`."""
        end = Timestamp()
        end.FromDatetime(deadline - timedelta(seconds=day_seconds * CLAIMER_DAYS_AFTER_RESOLUTION))
        self.control.JumpClaim(
            control_pb2.JumpClaimRequest(claim_id=dict_claim_id, resolution_period_end=end),
            timeout=CALL_SECONDS_MAX,
        )

    def done(self, operation: str, after: int) -> bool:
        """Whether the ledger has an effective operation of that name beyond a sequence."""
        return any(row.operation == operation for row in self.operations(after))

    def last_sequence(self) -> int:
        """Where the ledger stands."""
        rows = self.operations(0)
        return rows[-1].sequence if rows else 0

    def _seed(self, claim: ClaimPlan) -> None:
        person = claim.person
        other = claim.type == OWNERSHIP
        owner = bridge_pb2.Owner(
            type="NATURAL_PERSON",
            tax_id_number=OTHER_TAX_ID if other else person.tax_id,
            name=OTHER_NAME if other else person.name,
        )
        account = bridge_pb2.Account(
            participant=DONOR,
            branch="0001",
            account_number=f"9{person.account}",
            account_type="CACC",
            opening_date=Timestamp(seconds=1_577_836_800),
        )
        entry = bridge_pb2.Entry(
            key=person.key, key_type=person.key_type, account=account, owner=owner
        )
        self.control.SeedEntry(control_pb2.SeedEntryRequest(entry=entry), timeout=CALL_SECONDS_MAX)


def acts_of(claim: ClaimPlan) -> list[control_pb2.Act]:
    """What the donor does to a claim."""
    key = claim.person.key
    if claim.donor in (Donor.SILENT, Donor.HAS_NOT):
        return []
    acts = [
        control_pb2.Act(key=key, action="ACKNOWLEDGE", after_ms=claim.noted, only_if_status="OPEN")
    ]
    if claim.donor is Donor.CONFIRMS:
        acts.append(
            control_pb2.Act(
                key=key,
                action="CONFIRM",
                reason="USER_REQUESTED",
                after_ms=claim.answered,
                only_if_status="WAITING_RESOLUTION",
            )
        )
    elif claim.donor is Donor.CANCELS:
        reason = "FRAUD" if claim.type == OWNERSHIP else "USER_REQUESTED"
        acts.append(
            control_pb2.Act(key=key, action="CANCEL", reason=reason, after_ms=claim.answered)
        )
    return acts


def fault_of(plan: BridgeFault) -> control_pb2.Fault:
    """The simulator's fault."""
    fault = control_pb2.Fault(operation=plan.operation, skip=plan.skip, times=plan.times)
    if plan.kind == "problem":
        fault.problem.type = str(plan.value)
        if plan.value == "RateLimited":
            fault.problem.retry_after_seconds = 1
    elif plan.kind.endswith("_ms"):
        setattr(fault, plan.kind, int(plan.value))
    else:
        setattr(fault, plan.kind, True)
    return fault


@contextmanager
def dict_side(environment: Mapping[str, str]) -> Iterator[DictSide]:
    """A channel to the world's simulator that comes back fast."""
    address = environment["DICT_BRIDGE_ADDRESS"]
    with grpc.insecure_channel(address, options=_OPTIONS) as channel:
        yield DictSide(
            control_pb2_grpc.SimulatorControlStub(channel), bridge_pb2_grpc.BridgeStub(channel)
        )


def outage_seconds(days: int) -> float:
    """How long an outage of so many claim days lasts."""
    return float(days * DAY_SECONDS)
