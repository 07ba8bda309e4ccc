"""A replay's life: which verb leads from which state to which."""

from enum import StrEnum


class Verb(StrEnum):
    """What an operator may ask of replays."""

    REPLAY_START = "REPLAY_START"
    REPLAY_PAUSE = "REPLAY_PAUSE"
    REPLAY_RESUME = "REPLAY_RESUME"
    REPLAY_CANCEL = "REPLAY_CANCEL"
    REPLAY_DROP = "REPLAY_DROP"


class State(StrEnum):
    """Of a replay."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class Sandbox(StrEnum):
    """Of the tables of a replay that has its own."""

    THERE = "THERE"
    TO_DROP = "TO_DROP"
    DROPPED = "DROPPED"


CHANGES = {
    (Verb.REPLAY_PAUSE, State.RUNNING): State.PAUSED,
    (Verb.REPLAY_RESUME, State.PAUSED): State.RUNNING,
    (Verb.REPLAY_CANCEL, State.RUNNING): State.CANCELLED,
    (Verb.REPLAY_CANCEL, State.PAUSED): State.CANCELLED,
    (Verb.REPLAY_DROP, State.COMPLETED): State.COMPLETED,
    (Verb.REPLAY_DROP, State.CANCELLED): State.CANCELLED,
}
"""What is not here is refused."""
DROPS = frozenset({Verb.REPLAY_CANCEL, Verb.REPLAY_DROP})
"""They remove the sandbox, if there is one."""


def allowed(state: State) -> tuple[Verb, ...]:
    """What may be asked of a replay in that state."""
    return tuple(verb for verb, from_ in CHANGES if from_ is state)
