"""`claim.create`: stored with its inbox row first, then handed to its process."""

from collections.abc import Mapping
from dataclasses import dataclass

from claim_orchestrator.application.claim_papers import KEY_CONTEXT, ClaimPapers
from claim_orchestrator.application.claim_policy import ClaimFacts, ClaimPolicy
from claim_orchestrator.application.claim_process import workflow_id
from claim_orchestrator.application.claim_records import ClaimProcessInput
from claim_orchestrator.application.create_claim import CreateClaim, create_claim
from claim_orchestrator.application.ports import ClaimIntake, ClaimProcess, NewClaim
from claim_orchestrator.domain.claim import Role
from claim_orchestrator.domain.deadlines import Calendar
from dict_common.kernel.clock import Clock
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import InputRefused, Unavailable
from dict_common.ports.inbox import InboxKey, Seen, command_id_reused
from dict_common.ports.sealing import RestSealer, Subject, SubjectSealer


@dataclass(frozen=True)
class Secrecy:
    """Who seals: the subject's key for what is kept for ever, `rest` for what can be erased."""

    subjects: SubjectSealer
    rest: RestSealer


class OpenClaim:
    """The use case of the command consumer."""

    def __init__(
        self,
        intake: ClaimIntake,
        process: ClaimProcess,
        secrecy: Secrecy,
        policy: ClaimPolicy,
        clock: Clock,
    ) -> None:
        self._intake = intake
        self._process = process
        self._secrecy = secrecy
        self._policy = policy
        self._clock = clock

    async def __call__(
        self, key: InboxKey, envelope: Envelope, record: Mapping[str, object]
    ) -> None:
        """Done once, however often it is called. Raises InputRefused, Unavailable."""
        seen = await self._intake.seen(key)
        if seen is Seen.SETTLED:
            return
        if seen is Seen.OTHER_CONTENT:
            raise command_id_reused()
        command = self._valid(seen, record)
        if envelope.subject.lower() != str(command.claim_id):
            raise InputRefused("subject-differs", "ce_subject must be the claim_id of the body")
        subject = await self._secrecy.subjects.subject_of(command.claimer_tax_id)
        if seen is Seen.NEW:
            await self._intake.accept(key, self._first_row(command, subject, key, envelope))
        await self._process.start(self._process_input(command, subject, key, envelope))
        await self._intake.settle(key, "started")

    def _valid(self, seen: Seen, record: Mapping[str, object]) -> CreateClaim:
        """Raises InputRefused for a new command; one that was accepted is never refused later."""
        try:
            return create_claim(record, self._policy.participants)
        except InputRefused as error:
            if seen is Seen.NEW:
                raise
            raise Unavailable(
                "accepted-command-refused",
                f"accepted before and against a rule now ({error.reason_code}): undo the change of "
                "settings or release, so that its claim can start",
            ) from error

    def _first_row(
        self, command: CreateClaim, subject: Subject, key: InboxKey, envelope: Envelope
    ) -> NewClaim:
        now = self._clock.now()
        rest, value = self._secrecy.rest, command.key.value
        return NewClaim(
            claim_id=command.claim_id,
            role=Role.CLAIMER,
            workflow_id=workflow_id(command.claim_id),
            claim_type=command.type,
            key_type=command.key.type,
            key_hash=rest.look_up_hash(value),
            key_encrypted=rest.seal(KEY_CONTEXT, value.encode()),
            papers_encrypted=_papers(command).sealed(rest),
            claimer_ispb=command.participant,
            owner_ispb=command.owner_ispb,
            entry_id=command.entry_id,
            subject_id=subject.subject_id,
            command_id=key.command_id,
            correlation_id=_correlation(key, envelope),
            started_at=now,
            expires_at=Calendar(self._policy.day_seconds).provisional_deadline(now),
        )

    def _process_input(
        self, command: CreateClaim, subject: Subject, key: InboxKey, envelope: Envelope
    ) -> ClaimProcessInput:
        return self._policy.process_input(
            ClaimFacts(
                claim_id=command.claim_id,
                participant=command.participant,
                type=command.type,
                key_type=command.key.type,
                owner_ispb=command.owner_ispb,
                entry_id=command.entry_id,
                subject_id=subject.subject_id,
                command_id=key.command_id,
                correlation_id=_correlation(key, envelope),
            )
        )


def _correlation(key: InboxKey, envelope: Envelope) -> str:
    return envelope.correlation_id or str(key.command_id)


def _papers(command: CreateClaim) -> ClaimPapers:
    return ClaimPapers(
        account_branch=command.account_branch,
        account_number=command.account_number,
        account_type=command.account_type,
        account_opening_date=command.account_opening_date,
        claimer_type=command.claimer_type,
        claimer_tax_id=command.claimer_tax_id,
        claimer_name=command.claimer_name,
        claimer_trade_name=command.claimer_trade_name,
    )
