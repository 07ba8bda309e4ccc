"""The error tree. Where a message ends is decided by its class, in one table (`bus.settle`).

DictError
├── InputRefused       understood, and against a rule      → command.rejected, acknowledged
├── Undeliverable      cannot be understood or trusted      → dead letter, acknowledged
└── Unavailable        a server or a look-up is away         → wait and try again, nothing moves
"""

BROKER_REFUSED = "broker-refused"
"""Reason of Unavailable when the broker is there and says no: it lacks a topic or a schema."""


class DictError(Exception):
    """Every error of ours. `reason_code` is stable, kebab-case, and safe to show anyone."""

    def __init__(self, reason_code: str, detail: str) -> None:
        super().__init__(f"{reason_code}: {detail}")
        self.reason_code = reason_code
        self.detail = detail
        """What is wrong and what to do; never personal data."""


class InputRefused(DictError):
    """A command that was understood and breaks a rule: its sender must learn of it."""


class Undeliverable(DictError):
    """A message that cannot be processed by anyone: kept whole, with this reason."""


class Unavailable(DictError):
    """Infrastructure trouble: the caller waits and repeats; the message is not at fault."""


class ConfigurationInvalid(DictError):
    """A process was started with settings it cannot work with: exit, say which and why."""
