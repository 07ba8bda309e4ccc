"""An inbox in memory, on which the fakes of services' intakes stand."""

from dataclasses import dataclass, field
from uuid import UUID

from dict_common.ports.inbox import InboxKey, Seen, command_id_reused

Row = tuple[str, UUID, bytes]


@dataclass
class InMemoryInbox:
    """What CommandInbox promises, but for the rejection: its events are the fake's own."""

    inbox: dict[Row, str | None] = field(default_factory=dict)

    async def seen(self, command: InboxKey) -> Seen:
        """What the inbox knows."""
        known = {
            print_: outcome
            for (consumer, id_, print_), outcome in self.inbox.items()
            if (consumer, id_) == (command.consumer, command.command_id)
        }
        for print_ in command.fingerprints:
            if print_ in known:
                return Seen.OPEN if known[print_] is None else Seen.SETTLED
        return Seen.OTHER_CONTENT if known else Seen.NEW

    async def settle(self, command: InboxKey, outcome: str) -> None:
        """An open row's outcome, under whichever of its fingerprints it stands."""
        for print_ in command.fingerprints:
            row = (command.consumer, command.command_id, print_)
            if row in self.inbox and self.inbox[row] is None:
                self.inbox[row] = outcome

    async def first(self, command: InboxKey) -> bool:
        """Opens the command's row; False if it is there. Raises InputRefused."""
        if await self.seen(command) is Seen.OTHER_CONTENT:
            raise command_id_reused()
        return self.opened(command, None)

    def opened(self, command: InboxKey, outcome: str | None) -> bool:
        """Adds a row; False if it is there."""
        if self.row(command) in self.inbox:
            return False
        self.inbox[self.row(command)] = outcome
        return True

    def undone(self, command: InboxKey) -> None:
        """A transaction that ended in an error leaves no row."""
        del self.inbox[self.row(command)]

    @staticmethod
    def row(command: InboxKey) -> Row:
        """Under which it stands."""
        return command.consumer, command.command_id, command.fingerprints[0]
