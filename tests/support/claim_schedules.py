"""Random lives of one claim: what its world does to it, and when, as data.

A plan is drawn from a seed (millions in a row, each one again by its number) or by Hypothesis (few,
and shrunk to what matters). Whoever plays it is `claim_player`, whoever judges it `claim_oracle`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol, TypeVar

from hypothesis import strategies as st

from claim_orchestrator.application import claim_process as names
from tests.support.ruled_directory import Trouble

_Item = TypeVar("_Item")

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
ACTS_MAX, STUMBLES_MAX, MISHAPS_MAX = 6, 3, 3

TROUBLES: dict[str, Trouble] = {
    "429": Trouble(("RateLimited", 429)),
    "409": Trouble(("EntryLockedByClaim", 409)),
    "503": Trouble(("ServiceUnavailable", 503)),
    "500": Trouble(("InternalServerError", 500)),
    "silence": Trouble(),
    "lost": Trouble(after=True),
    "unknown": Trouble(("SomethingNew", 400)),
    "forbidden": Trouble(("Forbidden", 403)),
    "elsewhere": Trouble(("ClaimOperationInvalid", 400)),
    "missing": Trouble(("NotFound", 404)),
}
HOLDING = frozenset({"unknown", "forbidden", "elsewhere", "missing"})
"""After these a step is left alone for a while that grows up to the poll's interval."""
OPERATIONS = ("CreateClaim", "CompleteClaim", "CancelClaim", "GetClaim", "ListClaims")
CANCELS = (
    "USER_REQUESTED",
    "FRAUD",
    "ACCOUNT_CLOSURE",
    "RFB_VALIDATION",
    "RECONCILIATION",
    "DEFAULT_OPERATION",
    "BECAUSE",
)
ACTIVITIES = (
    names.CREATE_CLAIM_GRPC,
    names.FIND_CLAIM_GRPC,
    names.GET_CLAIM_GRPC,
    names.POLL_CLAIM_STATUS,
    names.PREPARE_COMPLETION,
    names.COMPLETE_CLAIM_GRPC,
    names.CANCEL_CLAIM_GRPC,
    names.RECORD_TRANSITION,
    names.TRANSFER_ENTRY,
    names.LOAD_CLAIM,
    names.STORE_DECISION,
    names.READ_MAIL,
    names.AWAIT_DECISIONS,
    names.NOTIFY_USERS,
)


@dataclass(frozen=True)
class Donor:
    """The donor acts at DICT; the rules may not let it."""

    action: str
    reason: str


@dataclass(frozen=True)
class Decide:
    """A decision. `decided_ms`: when it says that it was made, from when it is sent on; `held_ms`:
    how long it waits at the broker (topic only)."""

    word: str
    door: str
    reason: str | None
    decided_ms: int
    held_ms: int


@dataclass(frozen=True)
class Again:
    """A decision of the topic is delivered again; `changed`: its id, with another content."""

    which: int
    changed: bool


@dataclass(frozen=True)
class Prove:
    """`otp.validated`; `held_ms`: how long it waits at the broker."""

    held_ms: int


@dataclass(frozen=True)
class Order:
    """An operator resumes (None), or cancels for a reason."""

    reason: str | None


@dataclass(frozen=True)
class Stop:
    """Every worker is gone for so long."""

    ms: int


@dataclass(frozen=True)
class Away:
    """The broker is away for so long."""

    ms: int


@dataclass(frozen=True)
class Outage:
    """All calls of an operation, or of all (empty), go wrong for so long."""

    operation: str
    trouble: str
    ms: int


Deed = Donor | Decide | Again | Prove | Order | Stop | Away | Outage


@dataclass(frozen=True)
class Act:
    """A deed at an instant: so many days and milliseconds after DICT has opened the claim, after
    the start of its workflow while it has not."""

    day: int
    ms: int
    deed: Deed


@dataclass(frozen=True)
class Stumble:
    """Calls of an operation from the nth on go wrong, so many."""

    operation: str
    nth: int
    count: int
    trouble: str


@dataclass(frozen=True)
class Mishap:
    """The nth attempt of an activity is slow, or done and its completion lost (`seconds` 0)."""

    activity: str
    nth: int
    seconds: int


@dataclass(frozen=True)
class Plan:
    """One life. `opens_ms`: how long decisions may come before the claim's command."""

    claim_type: str
    single_batch: bool
    opens_ms: int
    twice: bool
    nobody_told: bool
    acts: tuple[Act, ...]
    stumbles: tuple[Stumble, ...]
    mishaps: tuple[Mishap, ...]


class Draw(Protocol):
    """Where a plan comes from; the first item and the lowest number are the simplest."""

    def number(self, low: int, high: int) -> int:
        """Both included."""

    def item(self, items: Sequence[_Item]) -> _Item:
        """One of them."""


class SeededDraw:
    """The same plan for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def number(self, low: int, high: int) -> int:
        """Uniform."""
        return low + int(self._random.random() * (high - low + 1))

    def item(self, items: Sequence[_Item]) -> _Item:
        """Uniform."""
        return items[int(self._random.random() * len(items))]


class DrawnDraw:
    """By Hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def number(self, low: int, high: int) -> int:
        """Shrinks to the lowest."""
        return self._draw(st.integers(low, high))

    def item(self, items: Sequence[_Item]) -> _Item:
        """Shrinks to the first."""
        return self._draw(st.sampled_from(items))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans for Hypothesis."""
    return drawn(DrawnDraw(draw))


def seeded(seed: int) -> Plan:
    """The plan of a seed."""
    return drawn(SeededDraw(seed))


def drawn(draw: Draw) -> Plan:
    """One plan."""
    return Plan(
        claim_type=draw.item(("PORTABILITY", "OWNERSHIP")),
        single_batch=draw.item((False, True)),
        opens_ms=draw.item((0, 0, 0, 5 * SECOND, 20 * HOUR)),
        twice=draw.item((False, False, True)),
        nobody_told=draw.item((False, False, False, False, True)),
        acts=(*_story(draw), *(_act(draw) for _ in range(draw.number(0, ACTS_MAX)))),
        stumbles=tuple(_stumble(draw) for _ in range(_few(draw, STUMBLES_MAX))),
        mishaps=tuple(_mishap(draw) for _ in range(_few(draw, MISHAPS_MAX))),
    )


def _few(draw: Draw, most: int) -> int:
    """None half the time."""
    return draw.item((0, draw.number(0, most)))


def _story(draw: Draw) -> tuple[Act, ...]:
    """What a donor mostly does, so that claims get far: nothing, or give the key, or keep it."""
    told = draw.item(("", "", "given", "given by default", "kept"))
    if not told:
        return ()
    first = draw.number(0, 28 * DAY)
    second = first + draw.number(0, 3 * DAY)
    seen = Act(0, first, Donor("acknowledge", ""))
    if told == "kept":
        return (seen, Act(0, second, Donor("cancel", "FRAUD")))
    reason = "USER_REQUESTED" if told == "given" else "DEFAULT_OPERATION"
    proven = Act(0, second + draw.number(0, 20 * DAY), Prove(0))
    return (seen, Act(0, second, Donor("confirm", reason)), proven)


DAYS = (0, 0, 7, 14, 30)
NEAR = (
    *(0, 1, -1, 2, -2, 60, -60, SECOND, -SECOND, 2 * SECOND + 1, -30 * SECOND, 30 * SECOND),
    *(-70 * SECOND, 70 * SECOND, -10 * MINUTE, 14 * MINUTE, 16 * MINUTE, -HOUR, 2 * HOUR),
)


def _act(draw: Draw) -> Act:
    deed = draw.item(_DEEDS)(draw)
    if draw.item((True, False)):
        return Act(0, draw.number(0, 31 * DAY), deed)
    day, ms = draw.item(DAYS), draw.item(NEAR)
    return Act(day, ms, deed)


def _donor(draw: Draw) -> Deed:
    action = draw.item(("acknowledge", "acknowledge", "confirm", "confirm", "cancel"))
    if action == "acknowledge":
        return Donor(action, "")
    if action == "confirm":
        return Donor(action, draw.item(("USER_REQUESTED", "DEFAULT_OPERATION", "ACCOUNT_CLOSURE")))
    return Donor(action, draw.item(("USER_REQUESTED", "FRAUD", "DEFAULT_OPERATION")))


def _answered(draw: Draw) -> Deed:
    """A donor that mostly goes on."""
    return Donor(draw.item(("acknowledge", "confirm")), "USER_REQUESTED")


SKEWS = (0, 0, 1, -1, SECOND, 2 * SECOND, 2 * SECOND + 1, -MINUTE, -14 * MINUTE, -16 * MINUTE, HOUR)
HOLDS = (0, 0, 0, 0, 2, SECOND, 40 * SECOND, 59 * SECOND, 65 * SECOND, 10 * MINUTE, 2 * HOUR)


def _decide(draw: Draw) -> Deed:
    return Decide(
        word=draw.item(("REFUSE", "REFUSE", "ACCEPT")),
        door=draw.item(("topic", "topic", "update", "signal")),
        reason=draw.item((None, "USER_REQUESTED", "FRAUD", draw.item(CANCELS))),
        decided_ms=draw.item(SKEWS),
        held_ms=draw.item(HOLDS),
    )


def _again(draw: Draw) -> Deed:
    return Again(draw.number(0, 2), draw.item((False, False, True)))


def _prove(draw: Draw) -> Deed:
    return Prove(draw.item((0, 0, 1, SECOND, HOUR, DAY, 8 * DAY)))


def _order(draw: Draw) -> Deed:
    return Order(draw.item((None, *CANCELS)))


def _stop(draw: Draw) -> Deed:
    return Stop(draw.item((0, 1, 100, SECOND, MINUTE, HOUR, 20 * HOUR, 3 * DAY)))


def _away(draw: Draw) -> Deed:
    return Away(draw.item((SECOND, 50 * SECOND, 10 * MINUTE, HOUR, 3 * HOUR, DAY)))


def _outage(draw: Draw) -> Deed:
    return Outage(
        draw.item(("", *OPERATIONS)),
        draw.item(tuple(TROUBLES)),
        draw.item((SECOND, MINUTE, HOUR, 5 * HOUR, 12 * HOUR)),
    )


_DEEDS = (
    *(_donor, _donor, _answered, _answered, _decide, _decide, _decide, _prove, _prove),
    *(_again, _order, _stop, _stop, _away, _outage),
)


def _stumble(draw: Draw) -> Stumble:
    return Stumble(
        operation=draw.item(OPERATIONS),
        nth=draw.number(0, 3),
        count=draw.item((1, 1, 2, 3, 8, 40)),
        trouble=draw.item(tuple(TROUBLES)),
    )


def _mishap(draw: Draw) -> Mishap:
    return Mishap(draw.item(ACTIVITIES), draw.number(0, 5), draw.item((0, 0, 0, 2, 20)))
