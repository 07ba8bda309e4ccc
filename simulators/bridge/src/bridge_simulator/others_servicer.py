"""The back door's part about what the other side and DICT itself do to claims."""
# ruff: noqa: N802 - gRPC names the methods

from datetime import datetime

from bridge_simulator import claim_rows, ledger, script_rows
from bridge_simulator.answering import Answering, Context, Receipt
from bridge_simulator.claim_actions import Action, ClaimActions
from bridge_simulator.claim_jump import Jump
from bridge_simulator.claim_operations import ClaimOperations
from bridge_simulator.directory import Directory
from bridge_simulator.instants import cut
from bridge_simulator.messages import claim_message, instant
from bridge_simulator.problems import DictProblem
from bridge_simulator.script_messages import act_state_message, to_acts
from dict_schemas.generated.dict.simulator.v1 import control_pb2 as pb

STATUS_CHARACTERS_MAX = 100


class OthersServicer:
    """Acts go by the rules, jumps do not; both stand in the ledger."""

    def __init__(self, answering: Answering, directory: Directory) -> None:
        self._answering = answering
        self._directory = directory
        self._claims = ClaimOperations(directory)
        self._actions = ClaimActions(directory)

    async def ActOnClaim(
        self, request: pb.ActOnClaimRequest, context: Context
    ) -> pb.ActOnClaimResponse:
        def work(receipt: Receipt) -> pb.ActOnClaimResponse:
            action = Action(request.action, request.participant, request.reason, request.request_id)
            claim = self._actions.perform(action, request.claim_id, receipt.x_request_id)
            return pb.ActOnClaimResponse(claim=claim_message(claim))

        return await self._answering.answer(context, request, work)

    async def JumpClaim(
        self, request: pb.JumpClaimRequest, context: Context
    ) -> pb.JumpClaimResponse:
        def work(receipt: Receipt) -> pb.JumpClaimResponse:
            claim = self._claims.jump(_jump(request), receipt.x_request_id)
            return pb.JumpClaimResponse(claim=claim_message(claim))

        return await self._answering.answer(context, request, work)

    async def SetScript(
        self, request: pb.SetScriptRequest, context: Context
    ) -> pb.SetScriptResponse:
        def work(_receipt: Receipt) -> pb.SetScriptResponse:
            acts = to_acts(request.acts, self._directory.new_uuid)
            with self._directory.store.transaction() as db:
                for act in acts:
                    if act.claim_id and claim_rows.find(db, act.claim_id) is None:
                        raise DictProblem("NotFound", f"there is no claim {act.claim_id}")
                script_rows.replace_script(db, acts, self._directory.now())
            self._directory.changed.set()
            return pb.SetScriptResponse()

        return await self._answering.answer(context, request, work)

    async def ListScript(
        self, request: pb.ListScriptRequest, context: Context
    ) -> pb.ListScriptResponse:
        def work(_receipt: Receipt) -> pb.ListScriptResponse:
            with self._directory.store.transaction() as db:
                acts = [
                    act_state_message(found, ledger.find(db, found.act.x_request_id))
                    for found in script_rows.appointments(db)
                ]
            return pb.ListScriptResponse(acts=acts)

        return await self._answering.answer(context, request, work)


def _jump(request: pb.JumpClaimRequest) -> Jump:
    if len(request.status) > STATUS_CHARACTERS_MAX:
        raise DictProblem("BadRequest", f"status has at most {STATUS_CHARACTERS_MAX} characters")
    return Jump(
        claim_id=request.claim_id,
        status=request.status,
        reason=request.reason if request.HasField("reason") else None,
        cancelled_by=request.cancelled_by if request.HasField("cancelled_by") else None,
        last_modified=_instant(request, "last_modified"),
        resolution_period_end=_instant(request, "resolution_period_end"),
        completion_period_end=_instant(request, "completion_period_end"),
    )


def _instant(request: pb.JumpClaimRequest, field: str) -> datetime | None:
    try:
        found = instant(request, field)
    except (ValueError, OverflowError) as error:
        raise DictProblem("BadRequest", f"{field} is no time") from error
    return None if found is None else cut(found)
