"""From a seed to its plan, by one random generator: the order of the draws is part of the seed."""

from random import Random

from tests.faults.people import invented
from tests.faults.plan import (
    OWNERSHIP,
    PORTABILITY,
    BridgeFault,
    ClaimPlan,
    Decision,
    Donor,
    Effect,
    Kill,
    Outage,
    Plan,
    When,
    is_for_servers,
    troubles,
)

CLAIMS_MAX = 5
KILLS_MAX = 3
HELD_MS = 5_000
"""How long DICT keeps a call whose caller or other end is to be killed meanwhile."""

OURS = ("consumer", "worker", "relay", "sink", "simulator")
SERVERS = ("pulsar", "temporal", "postgres")
OPERATIONS = ("CreateClaim", "GetClaim", "CompleteClaim", "CancelClaim")
TABLES = {
    "consumer": "connect.inbox",
    "worker": "workflows.claim_workflows",
    "relay": "connect.outbox",
    "sink": "audit.event_ids",
}
"""A lock on it stops the process in the middle of a transaction."""


def plan_of(seed: int) -> Plan:
    """The plan of a seed."""
    rng = Random(f"dict-connect-faults-{seed}")
    claims = tuple(_claim(seed, number, rng) for number in range(rng.randint(2, CLAIMS_MAX)))
    kills = _kills(rng, claims, servers=is_for_servers(seed))
    held = tuple(fault for kill in kills for fault in _held(kill))
    faults = held + tuple(_fault(rng) for _ in range(rng.randint(0, 3)))
    outage = None
    if rng.random() < 0.25:
        outage = Outage(after=rng.randrange(500, 4_000), days=rng.randint(2, 3))
    return Plan(seed, claims, faults, outage, kills)


def _claim(seed: int, number: int, rng: Random) -> ClaimPlan:
    type_ = rng.choice((PORTABILITY, PORTABILITY, OWNERSHIP))
    donor = rng.choices(tuple(Donor), weights=(40, 15, 15, 20, 10))[0]
    key_type = "PHONE" if type_ == OWNERSHIP else rng.choice(("PHONE", "EMAIL"))
    proof = type_ == OWNERSHIP and donor is Donor.CONFIRMS and rng.random() < 0.7
    by_deadline = donor in (Donor.NOTES, Donor.SILENT) or (
        type_ == OWNERSHIP and donor is Donor.CONFIRMS and not proof
    )
    noted = rng.randrange(200, 1_500)
    return ClaimPlan(
        number=number,
        type=type_,
        person=invented(seed, number, key_type, rng),
        donor=donor,
        asked=rng.randrange(0, 2_000),
        copies=rng.choice((1, 1, 1, 2)),
        noted=noted,
        answered=noted + rng.randrange(200, 2_500),
        deadline=rng.randrange(3_000, 6_500) if by_deadline else None,
        proof=proof,
        decisions=_decisions(rng, by_deadline=by_deadline),
    )


def _decisions(rng: Random, *, by_deadline: bool) -> tuple[Decision, ...]:
    moments: tuple[When, ...] = (When.EARLY, When.OPEN)
    if by_deadline:
        moments += (When.IN_TIME, When.LATE, When.LATE)
    count = rng.choice((0, 0, 1, 1, 2))
    return tuple(
        Decision(
            accept=rng.random() < 0.4, when=rng.choice(moments), copies=rng.choice((1, 1, 2, 3))
        )
        for _ in range(count)
    )


def _kills(rng: Random, claims: tuple[ClaimPlan, ...], *, servers: bool) -> tuple[Kill, ...]:
    kills: list[Kill] = []
    if servers:
        kills.append(
            Kill(
                rng.choice(SERVERS),
                *rng.choice(
                    (
                        (Effect.TIME, ""),
                        (Effect.STORED, ""),
                        _shown(rng, claims),
                        _call(rng, claims),
                    )
                ),
                after=rng.randrange(0, 1_500),
                down=rng.randrange(0, 3_000),
            )
        )
    for _ in range(rng.randint(0, 1) if servers else rng.randint(1, KILLS_MAX)):
        target = rng.choice(OURS)
        effect, what = _moment(rng, target, claims)
        kills.append(
            Kill(
                target,
                effect,
                what,
                after=rng.randrange(0, 4_000) if effect is Effect.TIME else rng.randrange(0, 60),
                down=rng.choice((0, 0, rng.randrange(0, 4_000))),
            )
        )
    return tuple(kills)


def _moment(rng: Random, target: str, claims: tuple[ClaimPlan, ...]) -> tuple[Effect, str]:
    call, shown, timed = _call(rng, claims), _shown(rng, claims), (Effect.TIME, "")
    moments: dict[str, tuple[tuple[Effect, str], ...]] = {
        "consumer": (timed, (Effect.STORED, ""), (Effect.BLOCKED, TABLES["consumer"])),
        "worker": (call, call, shown, (Effect.BLOCKED, TABLES["worker"])),
        "relay": (timed, shown, (Effect.BLOCKED, TABLES["relay"])),
        "sink": ((Effect.ON_TOPIC, "claim.created"), timed, (Effect.BLOCKED, TABLES["sink"])),
        "simulator": (call, timed),
    }
    return rng.choice(moments[target])


def _call(rng: Random, claims: tuple[ClaimPlan, ...]) -> tuple[Effect, str]:
    """A call that this plan will make."""
    open_ = [claim for claim in claims if claim.donor is not Donor.HAS_NOT]
    calls = ["CreateClaim"] if open_ else []
    if any(claim.donor is Donor.CONFIRMS and claim.deadline is None for claim in open_):
        calls.append("CompleteClaim")
    if any(claim.deadline is not None for claim in open_):
        calls.append("CancelClaim")
    effect = rng.choice((Effect.CALLED, Effect.DONE))
    return (effect, rng.choice(calls)) if calls else (Effect.TIME, "")


def _shown(rng: Random, claims: tuple[ClaimPlan, ...]) -> tuple[Effect, str]:
    """A status that this plan will reach."""
    reached = {
        "OPEN": any(claim.donor is not Donor.HAS_NOT for claim in claims),
        "WAITING_RESOLUTION": any(claim.donor is Donor.NOTES for claim in claims),
        "CONFIRMED": any(claim.donor is Donor.CONFIRMS for claim in claims),
    }
    statuses = [status for status, some in reached.items() if some]
    return (Effect.SHOWN, rng.choice(statuses)) if statuses else (Effect.TIME, "")


def _held(kill: Kill) -> tuple[BridgeFault, ...]:
    """DICT keeps the call for a while, so that the kill meets it there."""
    if kill.effect not in (Effect.CALLED, Effect.DONE):
        return ()
    kind = "delay_before_ms" if kill.effect is Effect.CALLED else "delay_after_ms"
    return (BridgeFault(kill.what, kind, HELD_MS, skip=0, times=1),)


def _fault(rng: Random) -> BridgeFault:
    kinds = troubles(rng)
    silence = rng.choice(("silence_before", "silence_after"))
    kind, value = (silence, 1) if rng.random() < 0.08 else rng.choice(kinds)
    times = 1 if kind == silence else rng.randint(1, 2)
    return BridgeFault(rng.choice(OPERATIONS), kind, value, rng.choice((0, 0, 1)), times)
