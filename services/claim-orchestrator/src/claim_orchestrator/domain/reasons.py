"""Who may cancel a claim, in which status, for which reason: Bacen's matrix as data.

The claimer's half of bacen-dict 1.4. The matrix has changed between Bacen's versions: data, not
code. `PARTICIPANT_EXCLUSION` is DICT's own and never sent.
"""

from enum import StrEnum

from claim_orchestrator.domain.claim import ClaimType, DictStatus


class CancelReason(StrEnum):
    """Bacen's reasons of a cancellation that a participant may send."""

    USER_REQUESTED = "USER_REQUESTED"
    ACCOUNT_CLOSURE = "ACCOUNT_CLOSURE"
    FRAUD = "FRAUD"
    DEFAULT_OPERATION = "DEFAULT_OPERATION"
    RECONCILIATION = "RECONCILIATION"
    RFB_VALIDATION = "RFB_VALIDATION"


_ASKED = frozenset(
    {
        CancelReason.USER_REQUESTED,
        CancelReason.ACCOUNT_CLOSURE,
        CancelReason.FRAUD,
        CancelReason.RFB_VALIDATION,
    }
)
_OWNERSHIP = frozenset(
    {
        CancelReason.USER_REQUESTED,
        CancelReason.ACCOUNT_CLOSURE,
        CancelReason.FRAUD,
        CancelReason.DEFAULT_OPERATION,
    }
)

CLAIMER_CANCELS: dict[tuple[ClaimType, DictStatus], frozenset[CancelReason]] = {
    (ClaimType.PORTABILITY, DictStatus.OPEN): _ASKED | {CancelReason.RECONCILIATION},
    (ClaimType.PORTABILITY, DictStatus.WAITING_RESOLUTION): _ASKED,
    (ClaimType.PORTABILITY, DictStatus.CONFIRMED): frozenset(
        {CancelReason.FRAUD, CancelReason.RECONCILIATION, CancelReason.RFB_VALIDATION}
    ),
    (ClaimType.OWNERSHIP, DictStatus.OPEN): _OWNERSHIP,
    (ClaimType.OWNERSHIP, DictStatus.WAITING_RESOLUTION): _OWNERSHIP,
    (ClaimType.OWNERSHIP, DictStatus.CONFIRMED): _OWNERSHIP,
}
"""DEFAULT_OPERATION stands in it for the deadline alone: before day 30 DICT says InvalidReason."""

DEFAULT_CANCEL: dict[ClaimType, CancelReason] = {
    ClaimType.OWNERSHIP: CancelReason.DEFAULT_OPERATION,
    ClaimType.PORTABILITY: CancelReason.USER_REQUESTED,
}
"""What the claimer's participant sends at day 30 when nobody has decided."""


def may_cancel(claim_type: ClaimType, status: DictStatus, reason: str) -> bool:
    """Whether DICT takes that reason from the claimer in that status."""
    return reason in CLAIMER_CANCELS.get((claim_type, status), frozenset())


def wishes(claim_type: ClaimType, status: DictStatus) -> frozenset[CancelReason]:
    """What a person may cancel for: a user, Core or an operator. The default is the deadline's."""
    allowed = CLAIMER_CANCELS.get((claim_type, status), frozenset())
    return allowed - {CancelReason.DEFAULT_OPERATION}
