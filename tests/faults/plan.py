"""What one seed does: claims, the other side, decisions, faults of the Bridge, kills. Pure.

A seed gives the same plan on every machine; only what the servers make of it is theirs. One seed
in five kills a server instead of processes of ours alone.
"""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from tests.faults.people import Person

DAY_SECONDS = 2
"""How long a claim's day lasts in these runs."""
ONE_IN = 5
"""One seed in so many kills a server."""

PORTABILITY, OWNERSHIP = "PORTABILITY", "OWNERSHIP"


class Donor(StrEnum):
    """What the other side does."""

    CONFIRMS = "confirms"
    CANCELS = "cancels"
    NOTES = "acknowledges only"
    SILENT = "is silent"
    HAS_NOT = "does not have the key"


class When(StrEnum):
    """When Core decides."""

    EARLY = "before the claim is asked for"
    OPEN = "while it is open"
    IN_TIME = "1 ms before the deadline"
    LATE = "1 ms after the deadline"


@dataclass(frozen=True)
class Decision:
    """A `claim.decide`, published `copies` times under one id."""

    accept: bool
    when: When
    copies: int = 1


@dataclass(frozen=True)
class ClaimPlan:
    """One claim. Times in ms: `asked` since the seed's start, the donor's since it is open.

    `deadline`: DICT moves ResolutionPeriodEnd so that day 30 is so far ahead when the claim is
    seen open; None leaves it where it is. `proof`: a one-time password after the confirmation.
    """

    number: int
    type: str
    person: Person
    donor: Donor
    asked: int
    copies: int
    noted: int
    answered: int
    deadline: int | None
    proof: bool
    decisions: tuple[Decision, ...]


class Effect(StrEnum):
    """What is waited for before a kill."""

    TIME = "at its time"
    STORED = "claim stored"
    CALLED = "called, not done at DICT"
    DONE = "done at DICT, not answered"
    SHOWN = "row shows"
    ON_TOPIC = "on its topic"
    BLOCKED = "statement blocked by a lock"


@dataclass(frozen=True)
class Kill:
    """SIGKILL of `target` when `effect` of `what` is seen, `after` ms later; gone for `down` ms."""

    target: str
    effect: Effect
    what: str
    after: int
    down: int


@dataclass(frozen=True)
class BridgeFault:
    """One fault of the simulator: `kind` is the field of its `Fault`, `value` that field's."""

    operation: str
    kind: str
    value: int | str
    skip: int
    times: int


def troubles(rng: Random) -> tuple[tuple[str, int | str], ...]:
    """What a Bridge does wrong and gets over: kinds of a fault, and their values."""
    return (
        ("problem", "RateLimited"),
        ("problem", "ServiceUnavailable"),
        ("problem", "InternalServerError"),
        ("cut_before", 1),
        ("cut_after", 1),
        ("delay_before_ms", rng.randrange(200, 2_000)),
        ("delay_after_ms", rng.randrange(200, 2_000)),
    )


@dataclass(frozen=True)
class Outage:
    """The whole Bridge is away: from ms after the start, for so many claim days."""

    after: int
    days: int


@dataclass(frozen=True)
class Plan:
    """Everything of a seed."""

    seed: int
    claims: tuple[ClaimPlan, ...]
    faults: tuple[BridgeFault, ...]
    outage: Outage | None
    kills: tuple[Kill, ...]

    @property
    def kills_servers(self) -> bool:
        """Whether it needs servers of its own."""
        return is_for_servers(self.seed)

    @property
    def planted(self) -> tuple[str, ...]:
        """Personal values of everybody in it."""
        return tuple(value for claim in self.claims for value in claim.person.planted)


def is_for_servers(seed: int) -> bool:
    """One seed in five kills the broker, Temporal or PostgreSQL."""
    return seed % ONE_IN == 0
