"""Broken rules of claims that are nobody's input."""

from uuid import UUID

from dict_common.kernel.errors import DictError


class ClaimUnknown(DictError):
    """A step speaks of a claim that has no row: the database is not the one it was written in."""

    def __init__(self, claim_id: UUID) -> None:
        super().__init__("claim-unknown", f"claim {claim_id} has no row in claim_workflows")


class DictClaimTaken(DictError):
    """DICT's claim already belongs to another row of ours: it is not the one we looked for."""

    def __init__(self, claim_id: UUID) -> None:
        super().__init__("dict-claim-taken", f"claim {claim_id} found a claim of another row")


class ClaimErased(DictError):
    """Key or papers of a claim were erased: nothing can be sent for it any more."""

    def __init__(self, claim_id: UUID) -> None:
        super().__init__("claim-erased", f"claim {claim_id} has no key or papers any more")


class ListUnread(DictError):
    """DICT's list cannot be read to its end: whether the claim is there, nobody knows."""

    def __init__(self, claim_id: UUID) -> None:
        super().__init__(
            "claim-list-unread",
            f"looking for claim {claim_id}: a page of DICT's list is one instant, and more follow",
        )
