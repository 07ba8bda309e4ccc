"""The fakes of the claim's ports pass the exam of the real adapters."""

from uuid import UUID

from claim_orchestrator.application.ports import ClaimIntake, ClaimStore
from tests.support.claim_fakes import InMemoryClaims
from tests.support.claim_ports_suite import ClaimPortsSuite


class TestInMemoryClaims(ClaimPortsSuite):
    """One memory behind both ports."""

    def setup_method(self) -> None:
        """A fresh one."""
        self._claims = InMemoryClaims()

    async def intake(self) -> ClaimIntake:
        """The fake."""
        return self._claims

    async def store(self) -> ClaimStore:
        """The fake."""
        return self._claims

    async def sequences(self, subject: UUID) -> list[tuple[int, UUID]]:
        """What was written."""
        return sorted(
            (sequence, event.envelope.id)
            for sequence, event in self._claims.events
            if event.key == str(subject)
        )
