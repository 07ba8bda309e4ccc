"""Where a message ends, in one table: the class of what its handler raised decides.

| the handler | then |
|---|---|
| returns | acknowledge |
| raises InputRefused | tell the sender (command.rejected), acknowledge |
| raises Undeliverable | dead letter, acknowledge |
| raises Unavailable | wait, repeat the same message; other keys go on |
| raises anything else | a defect: repeat up to `DEFECT_ATTEMPTS_MAX`, then dead letter |
"""

from enum import StrEnum

from dict_common.kernel.errors import InputRefused, Unavailable, Undeliverable

DEFECT_ATTEMPTS_MAX = 5


class Settlement(StrEnum):
    """How a message ended, or that it has not."""

    DONE = "done"
    REFUSED = "refused"
    BURIED = "buried"
    AGAIN = "again"


def settlement_of(error: Exception | None, defects: int) -> Settlement:
    """The row of the table; `defects` counts errors that are none of ours, this one included."""
    match error:
        case None:
            return Settlement.DONE
        case InputRefused():
            return Settlement.REFUSED
        case Undeliverable():
            return Settlement.BURIED
        case Unavailable():
            return Settlement.AGAIN
        case _:
            return Settlement.BURIED if defects >= DEFECT_ATTEMPTS_MAX else Settlement.AGAIN


def as_undeliverable(error: Exception | None) -> Undeliverable:
    """The reason a dead letter carries. A defect shows its type alone: texts may hold anything."""
    if isinstance(error, Undeliverable):
        return error
    return Undeliverable(
        "processing-failed",
        f"a defect of ours ({type(error).__name__}): the log has the trace; redrive after the fix",
    )
