"""Token buckets, by section 1.9: one for each participant and policy; an empty one means 429."""

from dataclasses import dataclass
from datetime import datetime

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
        Policy("CIDS_FILES_WRITE", 40, 86_400, 200),
        Policy("CIDS_FILES_READ", 10, 60, 50),
        Policy("CIDS_EVENTS_LIST", 20, 60, 100),
        Policy("CIDS_ENTRIES_READ", 1200, 60, 36_000),
        Policy("POLICIES_LIST", 6, 60, 20),
    )
}


class Buckets:
    """In memory: a restarted DICT starts with full ones."""

    def __init__(self) -> None:
        self._levels: dict[tuple[str, str], tuple[float, datetime]] = {}

    def take(self, participant: str, policy_name: str, now: datetime) -> None:
        """Takes one token. Raises RateLimited when there is none."""
        tokens = self._tokens(participant, POLICIES[policy_name], now)
        if tokens < 1:
            raise DictProblem("RateLimited", f"policy {policy_name} is used up")
        self._levels[participant, policy_name] = (tokens - 1, now)

    def available(self, participant: str, now: datetime) -> dict[str, int]:
        """Whole tokens of every policy."""
        return {
            name: int(self._tokens(participant, policy, now)) for name, policy in POLICIES.items()
        }

    def clear(self) -> None:
        """All full again."""
        self._levels.clear()

    def _tokens(self, participant: str, policy: Policy, now: datetime) -> float:
        level, since = self._levels.get((participant, policy.name), (policy.capacity, now))
        passed = max(0.0, (now - since).total_seconds())
        return min(
            policy.capacity, level + passed * policy.refill_tokens / policy.refill_period_seconds
        )
