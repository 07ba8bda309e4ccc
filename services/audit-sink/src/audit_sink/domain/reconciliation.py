"""What reconciling compares: a window, an event as its message tells it, how both differ."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from audit_sink.domain.audit_row import FUTURE_MAX, AuditRow, canonical_json
from audit_sink.domain.evidence import Columns, framed, framed_columns
from audit_sink.domain.positions import Position, Published
from dict_common.kernel.errors import InputRefused

BEFORE = FUTURE_MAX + timedelta(hours=1)
"""An event may be published so long before its own time, and is still written."""
FIRST_PUBLISHED = datetime(1971, 1, 1, tzinfo=UTC)
DIGEST_BYTES = 16
OF_THE_JOURNEY = ("message_id", "published_at")
"""In metadata: the same event sent twice differs by them alone."""
_METADATA = AuditRow._fields.index("metadata")


@dataclass(frozen=True)
class Window:
    """Events by their time (`ce_time`, `occurred_at`): from `since` on and before `until`."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        """Raises InputRefused where nothing could be in it."""
        if self.since >= self.until:
            raise InputRefused("time-range-empty", "--from must be before --to")

    def holds(self, instant: datetime) -> bool:
        """Whether an instant is in it."""
        return self.since <= instant < self.until

    def counts(self, happened_at: datetime | None, published_at: datetime) -> bool:
        """Whether a message is to be accounted for in this window.

        One without a readable time counts by its publish time. One whose time is further ahead of
        its publishing than may be written counts there too, or no window would ever look at it.
        """
        if happened_at is None:
            return self.holds(published_at)
        # Subtracted: a producer's clock may stand at the end of the calendar.
        far_ahead = happened_at - published_at > FUTURE_MAX
        return self.holds(published_at + FUTURE_MAX if far_ahead else happened_at) or (
            far_ahead and self.holds(happened_at)
        )

    @property
    def published(self) -> Published:
        """When messages of the window can have been published: without end, for some are late."""
        return Published(max(self.since, FIRST_PUBLISHED) - BEFORE)


class Place(NamedTuple):
    """Where a message lies; `topic` is its name below the namespace."""

    topic: str
    partition: int
    position: Position

    @property
    def message_id(self) -> str:
        """As the broker's clients write it."""
        ledger, entry, batch = self.position
        return f"{ledger}:{entry}:{self.partition}:{batch}"


class Told(NamedTuple):
    """A message, as far as it is compared.

    `happened_at`: its `ce_time`. `digest` and `content` (the gate's digest) where contents are
    compared and this release can read it.
    """

    event_id: UUID | None
    happened_at: datetime | None
    place: Place
    digest: bytes | None = None
    content: int | None = None


class Buried(NamedTuple):
    """A dead letter of the sink: its own message id, and where what it holds came from."""

    letter: str
    place: Place


class Kind(StrEnum):
    """How topics and table differ."""

    MISSING_ROW = "missing-row"
    NO_TOPIC = "no-topic"
    CONTENT_DIFFERS = "content-differs"
    NOT_COMPARED = "not-compared"
    ROW_TWICE = "row-twice"
    TOPIC_UNREAD = "topic-unread"


class Difference(NamedTuple):
    """One of them; what a kind does not know is None."""

    kind: Kind
    event_id: UUID | None = None
    occurred_at: datetime | None = None
    place: Place | None = None
    subtype: str | None = None
    workflow_id: str | None = None
    columns: tuple[str, ...] = ()
    """Those that differ, as far as that is known."""


def compared_columns(row: AuditRow) -> Columns:
    """The leaf's columns, metadata without what another sending of the event changes."""
    columns = list(framed_columns(row))
    columns[_METADATA] = framed(_without_the_journey(row.metadata))
    return tuple(columns)


def digest_of(columns: Columns) -> bytes:
    """16 bytes that differ where a compared column does. Stored nowhere, so no format for ever."""
    return sha256(b"".join(columns)).digest()[:DIGEST_BYTES]


def differing(one: Columns, other: Columns) -> tuple[str, ...]:
    """The names of the columns that differ."""
    return tuple(_differing(one, other))


def _differing(one: Columns, other: Columns) -> Iterator[str]:
    for name, mine, its in zip(AuditRow._fields, one, other, strict=True):
        if mine != its:
            yield name


def _without_the_journey(metadata: bytes) -> bytes:
    stored = json.loads(metadata)
    if not isinstance(stored, dict):
        return metadata
    return canonical_json({name: it for name, it in stored.items() if name not in OF_THE_JOURNEY})
