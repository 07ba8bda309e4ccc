"""Broken rules of claims that are nobody's input."""

from uuid import UUID

from dict_common.kernel.errors import DictError


class ClaimUnknown(DictError):
    """A step speaks of a claim that has no row: the database is not the one it was written in."""

    def __init__(self, claim_id: UUID) -> None:
        super().__init__("claim-unknown", f"claim {claim_id} has no row in claim_workflows")
