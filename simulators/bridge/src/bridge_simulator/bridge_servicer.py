"""The whole Bridge, put together from its parts."""

from bridge_simulator.answering import Answering
from bridge_simulator.buckets import Buckets
from bridge_simulator.claim_operations import ClaimOperations
from bridge_simulator.claims_servicer import ClaimsServicer
from bridge_simulator.directory import Directory
from bridge_simulator.entries_servicer import EntriesServicer
from bridge_simulator.entry_operations import EntryOperations
from bridge_simulator.policies_servicer import PoliciesServicer
from bridge_simulator.reconciliation_servicer import ReconciliationServicer
from bridge_simulator.trouble import Trouble
from dict_schemas.generated.dict.bridge.v1.bridge_pb2_grpc import BridgeServicer


class SimulatedBridge(
    ClaimsServicer, EntriesServicer, ReconciliationServicer, PoliciesServicer, BridgeServicer
):
    """Every call of `bridge.proto` over one directory."""

    def __init__(self, directory: Directory, buckets: Buckets, trouble: Trouble) -> None:
        answering = Answering(directory, buckets, trouble)
        ClaimsServicer.__init__(self, answering, ClaimOperations(directory))
        EntriesServicer.__init__(self, answering, EntryOperations(directory))
        ReconciliationServicer.__init__(self, answering, directory)
        PoliciesServicer.__init__(self, answering, buckets)
