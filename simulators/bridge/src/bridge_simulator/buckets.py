"""Token buckets, by section 1.9: one for each participant and policy; an empty one means 429."""

import math
from dataclasses import dataclass, replace
from datetime import datetime

from bridge_simulator.periods import DAY_SECONDS
from bridge_simulator.problems import DictProblem


@dataclass(frozen=True)
class Policy:
    """`refill_tokens` come every `refill_period_seconds`, bit by bit, up to `capacity`."""

    name: str
    refill_tokens: int
    refill_period_seconds: int
    capacity: int


POLICIES = {
    policy.name: policy
    for policy in (
        Policy("ENTRIES_WRITE", 1200, 60, 36_000),
        Policy("ENTRIES_UPDATE", 600, 60, 600),
        Policy("CLAIMS_READ", 600, 60, 18_000),
        Policy("CLAIMS_WRITE", 1200, 60, 36_000),
        Policy("CLAIMS_LIST_WITH_ROLE", 40, 60, 200),
        Policy("CLAIMS_LIST_WITHOUT_ROLE", 10, 60, 50),
        Policy("SYNC_VERIFICATIONS_WRITE", 10, 60, 50),
        Policy("CIDS_FILES_WRITE", 40, DAY_SECONDS, 200),
        Policy("CIDS_FILES_READ", 10, 60, 50),
        Policy("CIDS_EVENTS_LIST", 20, 60, 100),
        Policy("CIDS_ENTRIES_READ", 1200, 60, 36_000),
        Policy("POLICIES_LIST", 6, 60, 20),
    )
}


class Buckets:
    """In memory: a restarted DICT starts with full ones.

    `day_seconds` shortens what refills by the day; minutes stay minutes, unless all refill `speed`
    times as fast.
    """

    def __init__(self, day_seconds: int = DAY_SECONDS, speed: int = 1) -> None:
        self._speed = speed
        self.policies = {
            name: replace(policy, refill_period_seconds=day_seconds)
            if policy.refill_period_seconds == DAY_SECONDS
            else policy
            for name, policy in POLICIES.items()
        }
        self._levels: dict[tuple[str, str], tuple[float, datetime]] = {}

    def take(self, participant: str, policy_name: str, now: datetime) -> None:
        """Takes one token. Raises RateLimited, with when there will be one, if there is none."""
        policy = self.policies[policy_name]
        tokens = self._tokens(participant, policy, now)
        if tokens < 1:
            period = policy.refill_period_seconds
            seconds = (1 - tokens) * period / (policy.refill_tokens * self._speed)
            raise DictProblem(
                "RateLimited",
                f"policy {policy_name} is used up",
                retry_after_seconds=max(1, math.ceil(seconds)),
            )
        self._levels[participant, policy_name] = (tokens - 1, now)

    def available(self, participant: str, now: datetime) -> dict[str, int]:
        """Whole tokens of every policy."""
        return {
            name: int(self._tokens(participant, policy, now))
            for name, policy in self.policies.items()
        }

    def clear(self) -> None:
        """All full again."""
        self._levels.clear()

    def _tokens(self, participant: str, policy: Policy, now: datetime) -> float:
        level, since = self._levels.get((participant, policy.name), (policy.capacity, now))
        passed = max(0.0, (now - since).total_seconds())
        refilled = passed * self._speed * policy.refill_tokens / policy.refill_period_seconds
        return min(policy.capacity, level + refilled)
