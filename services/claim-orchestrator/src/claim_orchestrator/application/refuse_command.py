"""Tells the sender that a command was refused: `command.rejected`, an aggregate of its own."""

from collections.abc import Sequence
from datetime import datetime

from claim_orchestrator.application.claim_records import DecisionVerdict
from claim_orchestrator.application.ports import ClaimStore, NewDecision
from claim_orchestrator.domain.events import SOURCE
from dict_common.intake.refusals import Refusals, Refused, Rejections
from dict_common.kernel.clock import Clock
from dict_common.kernel.ids import rejection_id
from dict_common.ports.inbox import CommandInbox
from dict_common.ports.outgoing import EventComposer, OutgoingEvent

DECIDE_COMMAND = "claim.decide"


class RefuseCommand(Refusals):
    """As claim-orchestrator refuses."""

    def __init__(self, intake: CommandInbox, composer: EventComposer, clock: Clock) -> None:
        super().__init__(intake, Rejections(composer, SOURCE), clock)


class DecisionRejections:
    """Rejections of decisions that were stored first and judged later."""

    def __init__(self, store: ClaimStore, composer: EventComposer) -> None:
        self._store = store
        self._rejections = Rejections(composer, SOURCE)

    async def compose(
        self, verdicts: Sequence[DecisionVerdict], at: datetime
    ) -> list[OutgoingEvent]:
        """The rows of the refused ones. Raises Unavailable."""
        refused = {verdict.ce_id: verdict for verdict in verdicts if verdict.refused is not None}
        rows: list[OutgoingEvent] = []
        if not refused:
            return rows
        for decision in await self._store.verdicts_to_tell(list(refused)):
            verdict = refused[decision.ce_id]
            told = refusal_of(decision, verdict.refused or "", verdict.detail, at)
            rows += await self._rejections.compose(told)
        return rows


def refusal_of(decision: NewDecision, reason_code: str, detail: str, at: datetime) -> Refused:
    """The refusal of a stored decision."""
    return Refused(
        rejection=rejection_id(DECIDE_COMMAND, decision.ce_id, decision.fingerprint),
        command_id=decision.ce_id,
        command_type=DECIDE_COMMAND,
        target_type="claim",
        target_id=str(decision.claim_id),
        reason_code=reason_code,
        detail=detail,
        at=at,
        correlation_id=decision.correlation_id,
        traceparent=decision.traceparent,
    )
