"""From a seed to what two sinks live through: who dies where, what comes besides good events."""

from dataclasses import dataclass
from random import Random

from tests.faults.plan import is_for_servers
from tests.support.sink_that_dies import POINTS

SINKS = 2
DEATHS_MAX = 4
POISON = ("undecodable", "envelope-invalid", "event-id-reused", "time-in-future", "text-has-nul")
"""What each bad message is buried for."""


@dataclass(frozen=True)
class ServerKill:
    """SIGKILL of a server once so many per cent of the events are published; away for `down` ms."""

    target: str
    percent: int
    down: int


@dataclass(frozen=True)
class SinkPlan:
    """Everything of a seed. `deaths`: for each sink, POINT:N of its lives, one after another."""

    seed: int
    aggregates: int
    events_each: int
    copies: tuple[int, ...]
    """Which events (by number) are published twice."""
    poison: tuple[tuple[int, str], ...]
    """After which event which kind comes."""
    bursts: int
    """The messages come in so many bursts …"""
    gap: int
    """… so many ms apart."""
    deaths: tuple[tuple[str, ...], ...]
    servers: tuple[ServerKill, ...]

    @property
    def events(self) -> int:
        """How many different events."""
        return self.aggregates * self.events_each

    @property
    def planted(self) -> tuple[str, ...]:
        """No person is in it."""
        return ()


def plan_of(seed: int) -> SinkPlan:
    """The plan of a seed: the order of the draws is part of it."""
    rng = Random(f"dict-connect-sink-{seed}")
    aggregates, events_each = rng.randint(20, 120), rng.randint(1, 12)
    events = aggregates * events_each
    copies = tuple(sorted(rng.sample(range(events), rng.randint(0, events // 4))))
    bad = sorted(rng.randrange(events) for _ in range(rng.choice((0, 3, 10, 40))))
    poison = tuple((after, rng.choice(POISON)) for after in bad)
    deaths = tuple(
        tuple(_death(rng, buries=bool(poison)) for _ in range(rng.randint(1, DEATHS_MAX)))
        for _ in range(SINKS)
    )
    servers: tuple[ServerKill, ...] = ()
    if is_for_servers(seed):
        servers = tuple(
            ServerKill(rng.choice(("postgres", "pulsar")), rng.randrange(10, 95), down)
            for down in rng.sample(range(4_000), rng.randint(1, 2))
        )
    bursts, gap = rng.randint(5, 30), rng.choice((50, 200, 400))
    return SinkPlan(seed, aggregates, events_each, copies, poison, bursts, gap, deaths, servers)


def _death(rng: Random, *, buries: bool) -> str:
    points = [point for point in POINTS if buries or "buri" not in point]
    return f"{rng.choice(points)}:{rng.choice((1, 1, 1, 2, 3))}"
