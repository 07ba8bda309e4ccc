"""Events of entries, field for field as `schemas/avro` has them; a contract test compares."""

from dataclasses import dataclass, fields
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class EntryChanged:
    """`entry.created`, `entry.updated` and `entry.deleted` have the same fields. CIDs in
    hexadecimal digits: no personal data."""

    entry_id: str
    participant: str
    key_type: str
    cid: str | None
    cid_before: str | None
    source: str
    dict_time: datetime
    subject_id: str | None

    def record(self) -> dict[str, object]:
        """Field name to value."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
