"""Port to the Avro contracts: use cases hand over plain records."""

from collections.abc import Mapping
from typing import Protocol


class EventCodec(Protocol):
    """Encodes the bodies that `schemas/avro` describes. Never blocks."""

    def encode(self, name: str, record: Mapping[str, object]) -> bytes:
        """The Avro body of an event type such as `claim.created`; extra fields are an error."""

    def personal_fields(self, name: str) -> tuple[str, ...]:
        """The fields of `name` that hold personal data and must be sealed."""

    def context(self, name: str, field: str) -> str:
        """The encryption context of a field: `<record full name>.<field>`."""
