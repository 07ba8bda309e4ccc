"""Following the chain: each batch once, outages waited out, a restored backup told."""

import asyncio
from collections.abc import Sequence

import pytest

from audit_sink.application import follow
from audit_sink.application.audit_search import AuditSearch, Row
from audit_sink.application.follow import Follow
from audit_sink.domain.criteria import Criteria
from dict_common.kernel.errors import Unavailable

AWAY = Unavailable("postgres-failed", "gone")


class MemoryAudit:
    """A chain; `answers` come before it: what a poll ends with instead. Stops at its end."""

    def __init__(self, stop: asyncio.Event, chain: int, *answers: Unavailable | None) -> None:
        self.stop, self.chain, self.answers = stop, chain, list(answers)
        self.heads = 0

    async def following(self, _criteria: Criteria, chain_no: int) -> tuple[Sequence[Row], int]:
        if self.answers and (answer := self.answers.pop(0)):
            raise answer
        reached = min(chain_no + 2, self.chain)
        if not self.answers and reached >= self.chain:
            self.stop.set()
        return [{"n": n} for n in range(chain_no + 1, reached + 1)], reached

    async def chain_head(self) -> int:
        self.heads += 1
        if self.answers and (answer := self.answers[0]):
            self.answers.pop(0)
            raise answer
        return self.chain


async def followed(
    monkeypatch: pytest.MonkeyPatch, since: int, chain: int, *answers: Unavailable | None
) -> tuple[list[object], list[str]]:
    """What was shown and what was told, from a chain number on."""
    monkeypatch.setattr(follow, "POLL_SECONDS", 0)
    stop = asyncio.Event()
    audit = MemoryAudit(stop, chain, *answers)
    shown: list[object] = []
    told: list[str] = []
    search: AuditSearch = audit  # type: ignore[assignment]
    run = Follow(search, Criteria(), lambda rows: shown.extend(it["n"] for it in rows), told.append)
    await asyncio.wait_for(run(since, stop), 5)
    return shown, told


async def test_each_batch_is_shown_once_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await followed(monkeypatch, 3, 8) == ([4, 5, 6, 7, 8], [])


async def test_outage_is_told_once_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, told = await followed(monkeypatch, 0, 5, None, AWAY, AWAY, AWAY, None)
    assert shown == [1, 2, 3, 4, 5]
    assert ["away" in told[0], *told[1:]] == [True, "the database is back"]


async def test_restored_backup_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, told = await followed(monkeypatch, 9, 5, AWAY)
    assert shown == []
    assert "ends at 5, 9 was shown" in told[-1]


async def test_stop_ends_it_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "POLL_SECONDS", 0)
    stop = asyncio.Event()
    audit = MemoryAudit(stop, 5, *[AWAY] * 1_000_000)

    def tell(_text: str) -> None:
        stop.set()

    search: AuditSearch = audit  # type: ignore[assignment]
    await asyncio.wait_for(Follow(search, Criteria(), lambda _rows: None, tell)(0, stop), 5)
    assert len(audit.answers) == 999_999
