"""Words of a claim: Bacen's where Bacen has one, the seeds' for the workflow's own state."""

from enum import StrEnum

from dict_common.kernel.errors import InputRefused
from dict_common.kernel.pix_key import KeyType


class ClaimType(StrEnum):
    """Bacen's claim type."""

    PORTABILITY = "PORTABILITY"
    """Same owner, the key moves to another participant."""
    OWNERSHIP = "OWNERSHIP"
    """Another person takes the key."""


class Role(StrEnum):
    """Our role in a claim."""

    CLAIMER = "CLAIMER"
    DONOR = "DONOR"


class DictStatus(StrEnum):
    """Bacen's five claim statuses. DICT never moves a claim by itself."""

    OPEN = "OPEN"
    WAITING_RESOLUTION = "WAITING_RESOLUTION"
    CONFIRMED = "CONFIRMED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class WorkflowStatus(StrEnum):
    """`claim_workflows.status` as the seeds define it."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class ResolutionType(StrEnum):
    """`claim_workflows.resolution_type`: how it ended, seen from our side."""

    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    TIMEOUT = "TIMEOUT"
    CANCELLED = "CANCELLED"
    ERROR = "ERROR"


CLAIMABLE: dict[ClaimType, frozenset[KeyType]] = {
    ClaimType.PORTABILITY: frozenset({KeyType.CPF, KeyType.CNPJ, KeyType.PHONE, KeyType.EMAIL}),
    # E-mail ownership ended with Resolução BCB 457/2025.
    ClaimType.OWNERSHIP: frozenset({KeyType.PHONE}),
}
"""Which key types a claim type may be about (bacen-dict 1.1). EVP can never be claimed."""


def require_claimable(claim_type: ClaimType, key_type: KeyType) -> None:
    """Raises InputRefused where Bacen's matrix has no place for the pair."""
    if key_type in CLAIMABLE[claim_type]:
        return
    if key_type is KeyType.EVP:
        raise InputRefused("key-type-not-claimable", "an EVP key can never be claimed")
    allowed = ", ".join(sorted(CLAIMABLE[claim_type]))
    raise InputRefused(
        "key-type-not-claimable",
        f"a claim of type {claim_type} is for keys of type {allowed}, not {key_type}",
    )
