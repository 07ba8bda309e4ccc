"""Dead letters as operators choose them: read where they lie, beside what was done with them."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Annotated

import typer

from dict_common.bus import client as pulsar_client
from dict_common.bus.incoming import Incoming
from dict_common.bus.letters import Letters
from dict_common.console.environment import shared
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import say
from dict_common.kernel.clock import from_rfc3339
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.letter_ids import LetterId
from dict_common.store.database import Database, PoolSize
from dict_common.store.letter_actions import actions_on
from dict_schemas.topics import dead_letter_services

Row = dict[str, object]

Service = Annotated[str | None, typer.Option(help="this service's, e.g. claim-orchestrator")]
Reason = Annotated[str | None, typer.Option(help="with this reason, e.g. schema-unknown")]
Since = Annotated[str | None, typer.Option(help="buried since: 90m, 24h, 7d, or a time")]

READER = "operator_ro"
BATCH_MAX = 1_000
"""Letters whose actions are asked for in one statement."""
_SPAN = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Wanted:
    """Which letters: None is any. `done` False: only those without an action yet."""

    reason: str | None = None
    consumer: str | None = None
    event: str | None = None
    since: datetime | None = None
    done: bool = False

    def fits(self, row: Row) -> bool:
        """Whether a letter is wanted."""
        return (self.done or row["action"] is None) and self.matches(row)

    def matches(self, row: Row) -> bool:
        """Whether it is one of these, acted on before or not."""
        pairs = (("reason", self.reason), ("consumer", self.consumer), ("ce_id", self.event))
        return all(wanted is None or row[name] == wanted for name, wanted in pairs)


Place = tuple[datetime, int, int, int]
"""A letter's place in time; those of one instant in the order of their partition."""


@dataclass
class Chosen:
    """The first so many of the letters that fit, by their publish time, or the last. `matched`
    counts all: nobody is told less than there is without being told so. `acted_on` counts those
    that would fit, had nobody acted on them before. `columns`: all that is kept of a row, where not
    all of it is needed.
    """

    limit: int
    newest: bool
    columns: tuple[str, ...] | None = None
    kept: list[tuple[Place, Row]] = field(default_factory=list)
    matched: int = 0
    acted_on: int = 0

    def add(self, place: Place, row: Row) -> None:
        """Takes a letter in; memory holds twice the limit at most."""
        self.matched += 1
        self.kept.append((place, {name: row[name] for name in self.columns or row}))
        if len(self.kept) >= 2 * self.limit:
            self._cut()

    def ended(self) -> list[Row]:
        """In the order of time."""
        self._cut()
        return [row for _, row in self.kept]

    def _cut(self) -> None:
        self.kept.sort(key=itemgetter(0))
        self.kept = self.kept[-self.limit :] if self.newest else self.kept[: self.limit]


@dataclass(frozen=True)
class Desk:
    """Where letters and actions are read."""

    letters: dict[str, Letters]
    database: Database

    async def choose(self, wanted: Wanted, chosen: Chosen) -> None:
        """Takes in every letter that fits; says where a partition cannot be read to its end.

        Raises Unavailable.
        """
        for service, letters in self.letters.items():
            batch: list[Incoming] = []
            async for message in letters.walk(wanted.since):
                batch.append(message)
                if len(batch) >= BATCH_MAX:
                    await self._take(service, batch, wanted, chosen)
                    batch = []
            await self._take(service, batch, wanted, chosen)
            for topic in letters.cut_off:
                say(f"{topic} ends in half a message: its sender died while it wrote it")

    async def one(self, letter_id: str) -> tuple[Row, Incoming]:
        """A letter by `<service>/<id>`: as it is listed, and as it lies there.

        Raises CommandFailed NOT_FOUND.
        """
        service, id_ = parted(letter_id)
        found = None if service not in self.letters else await self.letters[service].find(id_)
        if found is None:
            raise CommandFailed(Exit.NOT_FOUND, f"no dead letter {letter_id}", "dictctl dlq list")
        (row,) = await self._rows(service, [found])
        return row, found

    async def _take(
        self, service: str, batch: list[Incoming], wanted: Wanted, chosen: Chosen
    ) -> None:
        for row, message in zip(await self._rows(service, batch), batch, strict=True):
            if wanted.fits(row):
                chosen.add(place_of(message), row)
            elif wanted.matches(row):
                chosen.acted_on += 1

    async def _rows(self, service: str, batch: list[Incoming]) -> list[Row]:
        """As they are listed, beside what was done with them."""
        ids = [LetterId.parse(message.message_id) for message in batch]
        actions = await actions_on(self.database, service, ids) if ids else {}
        return [
            _row(service, message) | _action(actions.get(id_))
            for id_, message in zip(ids, batch, strict=True)
        ]


@asynccontextmanager
async def open_desk(service: str | None) -> AsyncIterator[Desk]:
    """The dead letters of a service, or of all. Raises Unavailable, CommandFailed."""
    settings, names = shared(), services(service)
    async with open_database() as database:
        client = pulsar_client.connect(settings.pulsar_url)
        try:
            letters = {name: Letters(client, settings.pulsar_tenant, name) for name in names}
            yield Desk(letters, database)
        finally:
            await pulsar_client.close(client)


@asynccontextmanager
async def open_database() -> AsyncIterator[Database]:
    """What was done with letters, as operators may read it. Raises Unavailable."""
    database = await Database.open(shared().postgres_url, READER, PoolSize(1, 1))
    try:
        yield database
    finally:
        await database.close()


def services(service: str | None) -> tuple[str, ...]:
    """The one, or all that have dead letters. Raises CommandFailed NOT_FOUND."""
    names = dead_letter_services()
    if service is None:
        return names
    if service not in names:
        raise CommandFailed(
            Exit.NOT_FOUND, f"no dead letters are kept for {service}", f"one of {', '.join(names)}"
        )
    return (service,)


def place_of(message: Incoming) -> Place:
    """Where a letter lies in time."""
    id_ = LetterId.parse(message.message_id)
    return message.published_at, id_.partition, id_.ledger, id_.entry


def parted(letter_id: str) -> tuple[str, LetterId]:
    """Service and id of `<service>/<id>`. Raises CommandFailed USAGE."""
    service, _, text = letter_id.partition("/")
    try:
        return service, LetterId.parse(text)
    except InputRefused:
        raise CommandFailed(
            Exit.USAGE,
            f"{letter_id!r} names no dead letter: SERVICE/ledger:entry:partition:batch",
            "dictctl dlq list",
        ) from None


def instant(text: str | None, now: datetime) -> datetime | None:
    """`90m`, `24h`, `7d` before now, or RFC 3339 with a zone. Raises CommandFailed USAGE."""
    if text is None:
        return None
    found = _before(text, now) or from_rfc3339(text)
    if found is None:
        raise CommandFailed(
            Exit.USAGE,
            f"--since must be 90m, 24h, 7d or a time with a zone, not {text!r}",
            "dictctl dlq list --since 24h",
        )
    return found


def _before(text: str, now: datetime) -> datetime | None:
    """None for what is no span, or leads out of the calendar."""
    span = _SPAN.fullmatch(text)
    try:
        return span and now - timedelta(**{_UNITS[span[2]]: int(span[1])})
    except OverflowError:
        return None


def reasons(rows: list[Row]) -> dict[str, int]:
    """How many letters lie there for which reason."""
    return dict(Counter(str(row["reason"] or "none given") for row in rows).most_common())


def _row(service: str, message: Incoming) -> Row:
    clear = message.properties
    return {
        "id": f"{service}/{message.message_id}",
        "service": service,
        "published_at": message.published_at,
        "reason": clear.get("dict_reason"),
        "detail": clear.get("dict_detail"),
        "consumer": clear.get("dict_consumer"),
        "origin_topic": clear.get("dict_origintopic", "").rpartition("//")[2],
        "origin_id": clear.get("dict_originid"),
        "ce_id": clear.get("ce_id"),
        "ce_subject": clear.get("ce_subject"),
        "redriven": clear.get("dict_redriven", "0"),
    }


def _action(action: Row | None) -> Row:
    """What was done with it; all None for an open one."""
    names = ("action", "outcome", "operator", "acted_at", "done_at", "request_id")
    found = action or {}
    return {name: found.get(name) for name in names} | {"why": found.get("reason")}
