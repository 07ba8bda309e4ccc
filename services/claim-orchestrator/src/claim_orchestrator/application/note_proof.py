"""`otp.validated`: a proof of possession is kept for its claim, then the workflow is woken.

Only the otp service can put that event on its topic (row-level security of the outbox).
"""

from collections.abc import Mapping
from uuid import UUID

from claim_orchestrator.application.ports import ClaimIntake, ClaimProcess
from dict_common.kernel.clock import Clock
from dict_common.kernel.errors import InputRefused, Undeliverable
from dict_common.kernel.fields import instant, text
from dict_common.kernel.ids import parse_id

OF_CLAIMS = "CLAIM"


class NoteProof:
    """The use case of the event consumer."""

    def __init__(
        self,
        intake: ClaimIntake,
        process: ClaimProcess,
        participants: frozenset[str],
        clock: Clock,
    ) -> None:
        self._intake = intake
        self._process = process
        self._participants = participants
        self._clock = clock

    async def __call__(self, event_id: UUID, record: Mapping[str, object]) -> None:
        """Idempotent. Proofs for other operations are none of ours.

        Raises Undeliverable for an event that no otp service would make, Unavailable.
        """
        if record.get("operation_type") != OF_CLAIMS:
            return
        if record.get("participant") not in self._participants:
            return
        try:
            claim_id = parse_id(text(record, "operation_id"), "operation_id")
            otp_id = parse_id(text(record, "otp_id"), "otp_id")
            # A proof of the future is one of now: it must not count for a time that has not come.
            validated_at = min(instant(record, "validated_at"), self._clock.now())
        except InputRefused as error:
            raise Undeliverable(error.reason_code, error.detail) from error
        await self._intake.accept_proof(otp_id, claim_id, validated_at, event_id)
        await self._process.wake(claim_id)
