"""EventSender that remembers, with a broker's memory for numbers."""

from collections.abc import Callable

from dict_common.kernel.errors import Unavailable
from dict_common.ports.outgoing import NumberedEvent


class RecordingSender:
    """EventSender: keeps what was stored; a number at or below the last one is dropped."""

    def __init__(self) -> None:
        self.stored: list[NumberedEvent] = []
        self.last: dict[str, int] = {}
        self.busy: set[str] = set()
        self.closed = 0
        self.before_send: Callable[[NumberedEvent], None] = lambda _event: None

    async def open(self, topic: str) -> int:
        """The last number. Raises Unavailable where another holds the name."""
        if topic in self.busy:
            raise Unavailable("pulsar-failed", "ProducerBusy")
        return self.last.get(topic, 0)

    async def send(self, event: NumberedEvent) -> bool:
        """True if stored now, False if the number was known."""
        self.before_send(event)
        if event.publish_no <= self.last.get(event.topic, 0):
            return False
        self.last[event.topic] = event.publish_no
        self.stored.append(event)
        return True

    async def close(self) -> None:
        """Counts."""
        self.closed += 1
