"""How a command fails: a message, the next command to type, and a stable exit code.

0 ok · 1 failed · 2 usage · 3 unreachable · 4 not found · 5 conflict
"""

from enum import IntEnum

from dict_common.kernel.errors import BROKER_REFUSED, ConfigurationInvalid, DictError, Unavailable


class Exit(IntEnum):
    """Exit codes; scripts depend on them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_FOUND = 4
    CONFLICT = 5


class CommandFailed(Exception):
    """Ends a command. `next_step` is what a person can type now."""

    def __init__(self, code: Exit, message: str, next_step: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.next_step = next_step


def as_failure(error: DictError) -> CommandFailed:
    """An error of the library as the end of a command."""
    if error.reason_code == BROKER_REFUSED:
        return CommandFailed(
            Exit.CONFLICT, f"{error.reason_code}: {error.detail}", "dictctl topics diff"
        )
    if isinstance(error, ConfigurationInvalid):
        return CommandFailed(
            Exit.USAGE,
            f"{error.reason_code}: {error.detail}",
            "./dev up   then   ./dev run dictctl …",
        )
    if isinstance(error, Unavailable):
        return CommandFailed(
            Exit.UNREACHABLE, f"{error.reason_code}: {error.detail}", "dictctl stack status"
        )
    return CommandFailed(Exit.FAILED, f"{error.reason_code}: {error.detail}")
