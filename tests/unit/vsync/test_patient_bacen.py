"""Who meets a dry bucket waits, and sends nothing meanwhile; other refusals pass."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from dict_common.kernel.ids import new_id
from dict_common.ports.directory import CallContext, DirectoryRefused
from tests.support.bacen_fakes import InMemoryBacen
from tests.support.bacen_suite import PARTICIPANT, call, papers
from vsync.application.patient_bacen import SLICE_SECONDS, WAIT_SECONDS_MAX, PatientBacen
from vsync.domain.entry import EntrySet

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Hours:
    """A clock that pauses move, and a heart."""

    def __init__(self) -> None:
        self.at, self.beats, self.longest = NOON, 0, 0.0

    def now(self) -> datetime:
        """So far."""
        return self.at

    async def pause(self, seconds: float) -> None:
        """Passes."""
        self.longest = max(self.longest, seconds)
        self.at += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    def beat(self) -> None:
        """Alive."""
        self.beats += 1


def patient(hours: Hours) -> tuple[PatientBacen, InMemoryBacen]:
    """Over a DICT in memory."""
    inner = InMemoryBacen(hours, new_id)
    inner.add(papers(1))
    return PatientBacen(inner, hours, hours.pause, hours.beat), inner


@pytest.mark.parametrize(
    ("told", "waited"), [(120.0, 120.0), (None, 10.0), (1e9, WAIT_SECONDS_MAX)]
)
async def test_a_dry_bucket_is_waited_for(told: float | None, waited: float) -> None:
    hours, left = Hours(), [1]
    bacen, inner = patient(hours)

    def dry(_operation: str, _context: CallContext) -> None:
        if left[0]:
            left[0] -= 1
            raise DirectoryRefused("RateLimited", 429, "Slow down", told)

    inner.script = dry
    assert await bacen.entry_by_cid(papers(1).cid, PARTICIPANT, call()) is not None
    assert hours.at - NOON == timedelta(seconds=waited)
    assert hours.longest <= SLICE_SECONDS
    assert hours.beats >= waited / SLICE_SECONDS


async def test_nobody_asks_while_the_bucket_is_dry() -> None:
    hours = Hours()
    bacen, inner = patient(hours)
    dry_until = NOON + timedelta(seconds=60)

    def dry(_operation: str, _context: CallContext) -> None:
        if hours.at < dry_until:
            raise DirectoryRefused("RateLimited", 429, "Slow down", 60.0)

    inner.script = dry
    with_one = [bacen.entry_by_cid(papers(1).cid, PARTICIPANT, call()) for _ in range(50)]
    assert all(await asyncio.gather(*with_one))
    early = len(inner.calls) - 50
    assert early <= 50, "each of those that were on their way was refused once at most"


async def test_a_dry_bucket_of_one_participant_holds_up_no_other() -> None:
    hours = Hours()
    bacen, inner = patient(hours)
    dry_until = NOON + timedelta(seconds=60)
    asked_at: dict[str, datetime] = {}

    def dry(_operation: str, context: CallContext) -> None:
        if context.request_id == "theirs" and hours.at < dry_until:
            raise DirectoryRefused("RateLimited", 429, "Slow down", 60.0)
        asked_at[context.request_id] = hours.at

    inner.script = dry

    async def ask(participant: str, request_id: str) -> None:
        context = CallContext(request_id, "run", "workflow", None)
        await bacen.verify(EntrySet(participant, "PHONE"), bytes(32), context)

    await asyncio.gather(ask("23456789", "theirs"), ask(PARTICIPANT, "ours"))
    assert asked_at["ours"] < dry_until == asked_at["theirs"]


async def test_other_refusals_are_the_callers() -> None:
    hours = Hours()
    bacen, inner = patient(hours)

    def refuse(_operation: str, _context: CallContext) -> None:
        raise DirectoryRefused("Forbidden", 403, "No")

    inner.script = refuse
    with pytest.raises(DirectoryRefused, match="Forbidden"):
        await bacen.entry_by_cid(papers(1).cid, PARTICIPANT, call())
    assert hours.at == NOON
