"""Core and the donor's bank in a world: the cast of the demo's stories."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID, uuid4

from devstack import cast
from devstack.cast import ACCOUNT, DRAFT, KEY, NAME, PERSONAL, TAX_ID, Operator, OtherSide
from tests.support.world import World

__all__ = ["ACCOUNT", "DRAFT", "KEY", "NAME", "PERSONAL", "TAX_ID", "OtherSide"]


def create_claim(
    world: World,
    claim_id: UUID | None = None,
    command_id: UUID | None = None,
    draft: Mapping[str, str] = DRAFT,
) -> UUID:
    """Publishes `claim.create` as an operator does, and answers the claim's id."""
    chosen = claim_id or uuid4()
    Operator(world.environment).creates_claim(chosen, command_id or uuid4(), draft)
    return chosen


@contextmanager
def other_side(world: World) -> Iterator[OtherSide]:
    """A channel to the world's simulator."""
    with cast.other_side(world.environment) as side:
        yield side
