"""DICT's side of a benchmark: a set from a seed, changed where nobody of ours sees it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from devstack.cast import CLAIMER, OtherSide, other_side
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2
from dict_schemas.generated.dict.simulator.v1 import control_pb2
from tests.support.world import World

KEY_TYPE, SEED = "PHONE", 17
CHANGED_AT_ONCE, MANY_AT_ONCE = 20, 10_000
"""They have one instant in DICT's log, of which a page holds 200 events; of many no log is read."""
CALL_SECONDS_MAX = 600.0
Tokens = dict[str, bridge_pb2.Policy]


@dataclass
class Dict:
    """The simulator. `speed`: so many times as fast as Bacen's do its buckets refill."""

    side: OtherSide
    speed: int
    turns: int = field(default=0)

    def generate(self, keys: int) -> None:
        """As many keys of the set."""
        self.side.control.GenerateSet(
            control_pb2.GenerateSetRequest(
                participant=CLAIMER, key_type=KEY_TYPE, seed=SEED, count=keys
            ),
            timeout=CALL_SECONDS_MAX,
        )

    def change(self, number: int, by_file: bool) -> int:
        """Changes so many entries; answers how many keys differ from before by now."""
        at_once = MANY_AT_ONCE if by_file else CHANGED_AT_ONCE
        before: dict[str, str] = {}
        after: dict[str, str] = {}
        for start in range(0, number, at_once):
            for it in self._changed(min(at_once, number - start)):
                before.setdefault(it.entry.key, it.cid_before)
                after[it.entry.key] = it.cid_after
        return sum(before[key] != after[key] for key in before)

    def _changed(self, number: int) -> Iterator[control_pb2.EntryChange]:
        self.turns += 1
        one = number // 5
        request = control_pb2.ChangeSetRequest(
            participant=CLAIMER,
            key_type=KEY_TYPE,
            seed=self.turns,
            change=number - 2 * one,
            remove=one,
            add=one,
        )
        for message in self.side.control.ChangeSet(request, timeout=CALL_SECONDS_MAX):
            yield from message.changes

    def tokens(self) -> Tokens:
        """What lies in the buckets now."""
        answer = self.side.bridge.ListPolicies(
            bridge_pb2.ListPoliciesRequest(requesting_participant=CLAIMER),
            timeout=CALL_SECONDS_MAX,
        )
        return {it.name: it for it in answer.policies}

    def seconds(self, policy: str, calls: int, tokens: Tokens) -> float:
        """How long a bucket with these tokens takes for so many calls."""
        bucket = tokens[policy]
        # A day is shortened, and shown so; a minute is shown as it is.
        faster = 1 if policy == "CIDS_FILES_WRITE" else self.speed
        pace = faster * bucket.refill_tokens / bucket.refill_period_sec
        return max(0, calls - bucket.available_tokens) / pace


@contextmanager
def dict_of(world: World, speed: int) -> Iterator[Dict]:
    """The simulator of a world, which must run."""
    with other_side(world.environment) as side:
        yield Dict(side, speed)
