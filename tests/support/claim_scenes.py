"""Scenes that the tests of a claim's workflows begin with."""

from datetime import timedelta

from tests.support.claim_simulation import ClaimStage
from tests.support.ruled_directory import Trouble

TYPES = ["PORTABILITY", "OWNERSHIP"]
MILLISECOND = timedelta(milliseconds=1)


def opened(claim_type: str = "PORTABILITY") -> ClaimStage:
    """A claim that DICT has just opened."""
    stage = ClaimStage(claim_type)
    stage.open()
    stage.run_to(stage.simulation.now_ + timedelta(minutes=1))
    assert stage.events == ["claim.created"]
    return stage


def times(operation: str, trouble: Trouble, number: int) -> "Troubles":
    """So many calls of an operation go wrong."""
    return Troubles(operation, trouble, number)


class Troubles:
    """A script of trouble."""

    def __init__(self, operation: str, trouble: Trouble, number: int) -> None:
        self.operation, self.trouble, self.left = operation, trouble, number

    def __call__(self, operation: str) -> Trouble | None:
        if operation != self.operation or self.left == 0:
            return None
        self.left -= 1
        return self.trouble


def refused(problem: str, status: int) -> Trouble:
    """A problem document."""
    return Trouble((problem, status))


SILENCE, LOST = Trouble(), Trouble(after=True)
