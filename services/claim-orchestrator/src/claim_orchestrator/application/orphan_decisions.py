"""Decisions whose claim never came: after a day their sender is told."""

from datetime import timedelta

from claim_orchestrator.application.ports import ClaimIntake
from claim_orchestrator.application.refuse_command import refusal_of
from claim_orchestrator.domain.events import SOURCE
from dict_common.intake.refusals import Rejections
from dict_common.kernel.clock import Clock
from dict_common.ports.outgoing import EventComposer

WAITED_FOR = timedelta(hours=24)
BATCH_MAX = 100
REASON = "claim-unknown"
DETAIL = (
    "no claim of this id came within 24 hours after this decision: "
    "send claim.create first, or correct claim_id"
)


class OrphanDecisions:
    """Looked for from time to time; several processes may do so at once."""

    def __init__(self, intake: ClaimIntake, composer: EventComposer, clock: Clock) -> None:
        self._intake = intake
        self._rejections = Rejections(composer, SOURCE)
        self._clock = clock

    async def __call__(self) -> int:
        """Refuses one batch; answers how many. Raises Unavailable."""
        now = self._clock.now()
        refused = 0
        for decision in await self._intake.orphans(now - WAITED_FOR, BATCH_MAX):
            events = await self._rejections.compose(refusal_of(decision, REASON, DETAIL, now))
            refused += await self._intake.refuse_orphan(decision, REASON, events)
        return refused
