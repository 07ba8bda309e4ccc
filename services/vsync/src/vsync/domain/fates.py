"""What was, or will be, done about a discrepancy: one sentence for each type and state."""

from collections.abc import Mapping
from types import MappingProxyType

from vsync.domain.discrepancies import DiscrepancyType

OPEN = "OPEN"
_LEFT = "; where the run has ended, the next one finds it again"

_OF_TYPE: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (DiscrepancyType.MISSING_LOCAL, OPEN): f"will be created here as DICT has it{_LEFT}",
        (DiscrepancyType.OUTDATED_LOCAL, OPEN): f"ours will be made DICT's{_LEFT}",
        (DiscrepancyType.MISSING_BACEN, OPEN): (
            f"DICT will be asked for it once more, then a person decides{_LEFT}"
        ),
        (DiscrepancyType.MISSING_LOCAL, "FIXED"): "was created here as DICT has it",
        (DiscrepancyType.OUTDATED_LOCAL, "FIXED"): "ours was made DICT's",
    }
)
_OF_STATE: Mapping[str, str] = MappingProxyType(
    {
        "IN_REVIEW": "left our VSync and waits for a person: nothing was deleted",
        "GONE": "differed no more when it was to be repaired: nothing was done",
        "OVERTAKEN": "a later report stands here: nothing was done",
        "FAILED": "could not be repaired, the reason says why; the next run finds it again",
    }
)


def fate(type_: str, state: str) -> str:
    """The sentence; of a state that nobody knows, the state."""
    return _OF_TYPE.get((type_, state)) or _OF_STATE.get(state, state)
