"""What the stack knows of a part, and where a part learns of the stack."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from devstack.fetch.toolbox import Toolbox
from devstack.groups import Command
from devstack.layout import RunFolder


@dataclass(frozen=True)
class Site:
    """Where a stack stands: one per `up`, shared by all its parts."""

    run: RunFolder
    ports: Mapping[str, int]
    tools: Toolbox
    repository: Path
    environment: Mapping[str, str]  # the stack's connections, what `.devstack/env` holds


class Part(Protocol):
    """A server of the infrastructure or a process of ours. Methods run in any thread."""

    @property
    def name(self) -> str:
        """Its name in state, logs and status."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Parts that must answer before this one is started."""

    @property
    def port(self) -> int:
        """The port that a person would connect to."""

    @property
    def ready_seconds(self) -> float:
        """How long it may take to answer on a busy machine."""

    @property
    def grace_seconds(self) -> float:
        """How long it may take to end before it is killed."""

    def prepare(self) -> None:
        """Writes configuration and data folders before a start; may block."""

    def blocked(self) -> str | None:
        """None when it may be started, else what it must wait for. Asked until it is None."""
        return None

    def command(self) -> Command:
        """How to start it."""

    def probe(self) -> str | None:
        """Asks once in its own protocol. None when it is ready, else why it is not."""

    def settle(self) -> None:
        """Runs once after it first answered: what must exist in it, what must be true of it."""
        return
