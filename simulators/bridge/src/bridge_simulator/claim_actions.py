"""One step of a claim by any participant, as the back door and the script ask for it."""

from dataclasses import dataclass, replace

from bridge_simulator import claim_rows
from bridge_simulator.claim_operations import ClaimOperations
from bridge_simulator.directory import Directory
from bridge_simulator.ledger import Call
from bridge_simulator.problems import DictProblem
from bridge_simulator.records import Claim

OPERATIONS = {
    "ACKNOWLEDGE": "AcknowledgeClaim",
    "CONFIRM": "ConfirmClaim",
    "CANCEL": "CancelClaim",
    "COMPLETE": "CompleteClaim",
}
"""Action → the Bridge's call."""


@dataclass(frozen=True)
class Action:
    """`participant` empty = the side whose step it is; `request_id` empty = a fresh one."""

    name: str
    participant: str = ""
    reason: str = ""
    request_id: str = ""


class ClaimActions:
    """The Bridge's rules and ledger without its buckets."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._claims = ClaimOperations(directory)

    def perform(self, action: Action, claim_id: str, x_request_id: str) -> Claim:
        """The claim after the step. Raises DictProblem, also for an action that does not exist."""
        if action.name not in OPERATIONS:
            raise DictProblem("BadRequest", f"action: {actions_in_words()}")
        call = Call(
            operation=OPERATIONS[action.name],
            participant=action.participant or self._side(action.name, claim_id),
            claim_id=claim_id,
            x_request_id=x_request_id,
        )
        match action.name:
            case "ACKNOWLEDGE":
                return self._claims.acknowledge(call)
            case "CONFIRM":
                return self._claims.confirm(call, action.reason)
            case "CANCEL":
                return self._claims.cancel(call, action.reason)
            case _:
                request_id = action.request_id or str(self._directory.new_uuid())
                return self._claims.complete(replace(call, request_id=request_id))

    def _side(self, action_name: str, claim_id: str) -> str:
        with self._directory.store.transaction() as db:
            claim = claim_rows.find(db, claim_id)
        if claim is None:
            return ""
        is_claimers = action_name == "COMPLETE"
        return claim.claimer_participant if is_claimers else claim.donor_participant


def actions_in_words() -> str:
    """For a caller who chose none of them."""
    *most, last = OPERATIONS
    return f"{', '.join(most)} or {last}"
