"""An entry as it stands in PostgreSQL."""

from uuid import UUID

from dict_common.store.database import Row
from vsync.adapters.cid_columns import cid_in
from vsync.domain.entry import Entry, EntrySet
from vsync.domain.precedence import Report, Source


def entry_in(entry_id: UUID, row: Row) -> Entry:
    """Of a row with the entry's columns, and those of its active CID if it has one."""
    return Entry(
        entry_id=entry_id,
        set=EntrySet(row["participant"], row["key_type"]),
        cid=cid_in(row),
        stands=Report(Source(row["source"]), row["number"], row["dict_time"]),
        numbers={Source(name): number for name, number in row["numbers"].items()},
        version=row["version"],
        review_id=row["review_id"],
    )


def numbers_of(entry: Entry) -> dict[str, int]:
    """For the column `numbers`."""
    return {str(source): number for source, number in entry.numbers.items()}
