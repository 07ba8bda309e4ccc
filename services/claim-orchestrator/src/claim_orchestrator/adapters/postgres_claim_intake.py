"""ClaimIntake over PostgreSQL: inbox row and state commit together."""

from collections.abc import Sequence

from claim_orchestrator.application.ports import NewClaim, command_id_reused
from dict_common.kernel.errors import InputRefused
from dict_common.ports.inbox import InboxKey, Seen
from dict_common.ports.outgoing import OutgoingEvent
from dict_common.store import inbox, outbox
from dict_common.store.database import Database, timed_fetch
from dict_common.store.queries import load_queries

_QUERIES = load_queries("claim_orchestrator.adapters", "claims")


class PostgresClaimIntake:
    """The consumer's side of the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def seen(self, command: InboxKey) -> Seen:
        """What the inbox knows of the command."""
        async with self._database.connection() as connection:
            seen, _ = await inbox.look_up(connection, command)
            return seen

    async def accept(self, command: InboxKey, claim: NewClaim) -> bool:
        """Inbox row, claim and subject link in one transaction."""
        async with self._database.transaction() as connection:
            await inbox.lock(connection, command)
            seen, _ = await inbox.look_up(connection, command)
            if seen is Seen.OTHER_CONTENT:
                raise command_id_reused()
            if not await inbox.insert(connection, command, None):
                return False
            inserted = await timed_fetch(connection, _QUERIES["claim_insert"], _columns(claim))
            if not inserted:
                raise InputRefused(
                    "claim-already-known",
                    "a claim with this claim_id exists: follow it with `dictctl claim get`, "
                    "or open another under a new id",
                )
            await timed_fetch(
                connection,
                _QUERIES["claim_link_subject"],
                (claim.subject_id, str(claim.claim_id)),
            )
        return True

    async def settle(self, command: InboxKey, outcome: str) -> None:
        """Marks the hand-over as done."""
        async with self._database.connection() as connection:
            await inbox.settle(connection, command, outcome)

    async def reject(
        self, command: InboxKey, reason_code: str, events: Sequence[OutgoingEvent]
    ) -> None:
        """Stores the rejection and its events, once."""
        async with self._database.transaction() as connection:
            if await inbox.insert(connection, command, f"rejected:{reason_code}"):
                await outbox.insert(connection, events, version_before=0)


def _columns(claim: NewClaim) -> tuple[object, ...]:
    return (
        claim.workflow_id,
        claim.claim_id,
        claim.role,
        claim.entry_id,
        claim.key_type,
        claim.key_hash,
        claim.key_encrypted,
        claim.claimer_ispb,
        claim.owner_ispb,
        claim.claim_type,
        claim.subject_id,
        claim.started_at,
        claim.expires_at,
    )
