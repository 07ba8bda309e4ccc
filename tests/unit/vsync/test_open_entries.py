"""Values in clear: who may see them, what a row shows then, and what is told before."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest

from dict_common.kernel.errors import InputRefused, Unavailable
from dict_common.ports.outgoing import ComposedFrom, OutgoingEvent
from tests.unit.vsync.test_console import JOAO, REQUEST, SEALER, found, sealed
from vsync.application.explain_sync import Past, explained
from vsync.application.open_entries import OpenEntries, OpenOrder, reason_of
from vsync.application.sync_console import Opener
from vsync.application.sync_report import (
    CLEAR_COLUMNS,
    NOT_KEPT,
    SEALED,
    opened_of,
    reported,
    reported_in_clear,
)
from vsync.domain.discrepancies import DiscrepancyType

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
TICKET = "the owner asks, ticket 4721"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "4721",
        "       ",
        "x" * 201,
        "call +5561988880000",
        "line\nline line",
        "111.222.333-00 asks",
    ],
)
def test_a_reason_that_says_nothing_or_too_much(text: str) -> None:
    with pytest.raises(InputRefused, match="reason-invalid"):
        reason_of(text)


def test_a_reason_is_kept_without_blanks_around_it() -> None:
    assert reason_of(f"  {TICKET} ") == TICKET
    assert reason_of("x" * 200) == "x" * 200


def test_both_versions_in_clear_and_never_the_secret() -> None:
    row = reported_in_clear(found(DiscrepancyType.OUTDATED_LOCAL), Opener(SEALER))
    assert tuple(row) == CLEAR_COLUMNS
    assert row["key"] == JOAO.key
    assert (row["ours_name"], row["dict_name"]) == ("João Silva", "JOÃO SILVA")
    assert (row["ours_tax_id"], row["ours_trade_name"]) == (JOAO.tax_id, "")
    assert str(REQUEST) not in repr(row)


def test_a_side_without_an_entry_has_no_values() -> None:
    row = reported_in_clear(found(DiscrepancyType.MISSING_LOCAL), Opener(SEALER))
    assert (row["ours_name"], row["dict_name"]) == (None, "JOÃO SILVA")


def test_what_is_gone_says_so_and_is_told_from_what_does_not_open() -> None:
    gone = found(DiscrepancyType.OUTDATED_LOCAL, local_sealed=None, remote_sealed=None)
    half = found(DiscrepancyType.OUTDATED_LOCAL, local_sealed=b"of a key that is gone")
    opener = Opener(SEALER)
    rows = [reported_in_clear(it, opener) for it in (gone, half)]
    assert [it["key"] for it in rows] == [NOT_KEPT, JOAO.key]
    assert [it["ours_name"] for it in rows] == [NOT_KEPT, SEALED]
    assert [it["dict_name"] for it in rows] == [NOT_KEPT, "JOÃO SILVA"]
    assert opened_of(rows) == 1
    assert opener.closed == 1
    assert reported(gone, opener)["key"] == NOT_KEPT
    (differs,) = explained(gone, Past([], []), opener, in_clear=True)["differs"]
    assert differs["ours"] == NOT_KEPT


def test_entries_are_counted_once() -> None:
    twice = [found(DiscrepancyType.OUTDATED_LOCAL), found(DiscrepancyType.OUTDATED_LOCAL)]
    other = found(DiscrepancyType.MISSING_LOCAL, entry_id=UUID(int=2))
    assert opened_of([reported_in_clear(it, Opener(SEALER)) for it in (*twice, other)]) == 2


def test_differing_fields_in_clear() -> None:
    other = JOAO._replace(name="Maria Souza")
    row = explained(
        found(DiscrepancyType.OUTDATED_LOCAL, remote_sealed=sealed(other, UUID(int=7))),
        Past([], []),
        Opener(SEALER),
        in_clear=True,
    )
    told = {it["field"]: (it["ours"], it["dict"]) for it in row["differs"]}
    assert told == {
        "name": ("João Silva", "Maria Souza"),
        "request_id": ("[36 characters]", "[36 characters]"),
    }


class Kept:
    """Acts in memory, and a composer that keeps what it is given. `away`: nothing is durable."""

    def __init__(self, away: bool = False) -> None:
        self.away = away
        self.composed: list[ComposedFrom] = []

    async def compose(self, event: ComposedFrom) -> tuple[OutgoingEvent, ...]:
        """Nothing to send."""
        self.composed.append(event)
        return ()

    async def add(self, _events: Sequence[OutgoingEvent]) -> None:
        """Raises Unavailable."""
        if self.away:
            raise Unavailable("postgres-away", "gone")


def order() -> OpenOrder:
    """Of a run."""
    return OpenOrder("op-17", TICKET, "vsync-run", UUID(int=3), NOON)


async def test_who_why_which_run_and_how_many_and_no_value() -> None:
    kept = Kept()
    await OpenEntries(kept, kept, lambda: UUID(int=9))(order(), 12)
    (event,) = kept.composed
    told = {name: value for name, value in event.record.items() if value is not None}
    assert told == {
        "request_id": str(UUID(int=9)),
        "verb": "ENTRIES_OPEN",
        "target_type": "vsync-run",
        "target_id": str(UUID(int=3)),
        "operator": "op-17",
        "reason": TICKET,
        "outcome": "opened",
        "dry_run": False,
        "acted_at": NOON,
        "opened": 12,
    }


async def test_what_cannot_be_told_is_an_error() -> None:
    away = Kept(away=True)
    with pytest.raises(Unavailable):
        await OpenEntries(away, away, lambda: UUID(int=9))(order(), 1)
