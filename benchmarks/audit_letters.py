"""Whether every bad message lies in the dead letters as it must, before and after a redrive."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from benchmarks.audit_bad_events import OLD_RELEASE, Bad
from tests.support.world import World

SERVICE = "audit-sink"
LISTED_MAX = 10_000
WHY = "OPS-1: the next release knows them"
BACK_SECONDS_MAX = 3_600.0
POLL_SECONDS = 1.0
A_SECOND = 1_000


def letters(world: World) -> dict[str, list[dict[str, Any]]]:
    """The open ones, by the subject of the message inside."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    rows = world.dictctl_json("dlq", "list", "--service", SERVICE, "--limit", str(LISTED_MAX))
    for row in rows:
        found[row["ce_subject"]].append(row)
    return found


async def judged(world: World, bad: Sequence[Bad], rows: int) -> None:
    """Each lies there once for its reason, and the good events stand, each once: so many rows.

    Of two contents under one id either may have come first. Raises AssertionError.
    """
    lie = letters(world)
    stand = await _standing(world, bad)
    wrong = [it for it in bad if not _as_it_must(it, lie, stand)]
    assert not wrong, f"{len(wrong)} are not in the dead letters as they must, such as {wrong[0]}"
    assert sum(map(len, lie.values())) == len(bad), "somebody else lies there too"
    connection = await world.connect()
    try:
        found = await connection.fetchrow(
            "SELECT count(*) AS all, count(DISTINCT event_id) AS ids FROM audit.workflow_events"
        )
    finally:
        await connection.close()
    assert found is not None
    assert (found["all"], found["ids"]) == (rows, rows)


async def all_given_back(world: World, bad: Sequence[Bad]) -> float:
    """Redrives every letter; the seconds until each is a row once, or a letter again.

    Raises AssertionError if anything else comes of one.
    """
    began = time.monotonic()
    for reason in dict.fromkeys(it.reason for it in bad):
        assert _redriven(world, reason) == sum(it.reason == reason for it in bad)
    known = [it for it in bad if it.reason in OLD_RELEASE]
    lasting = {it.event.envelope.subject for it in bad if it not in known}
    lasting |= {it.rival.envelope.subject for it in bad if it.rival is not None}

    def again() -> bool:
        lie = letters(world)
        rows = [row for some in lie.values() for row in some]
        return len(rows) == len(bad) - len(known) and all(
            row["redriven"] == "1" and row["ce_subject"] in lasting for row in rows
        )

    while not (again() and await _rows(world, known) == [1] * len(known)):
        assert time.monotonic() - began < BACK_SECONDS_MAX, "not all came back"
        await asyncio.sleep(POLL_SECONDS)
    seconds = time.monotonic() - began
    for reason in OLD_RELEASE:
        assert _redriven(world, reason) == 0, "a letter was given back twice"
    return seconds


def _redriven(world: World, reason: str) -> int:
    told = world.dictctl_json(
        *("dlq", "redrive", "--service", SERVICE, "--reason", reason, "--why", WHY),
        *("--limit", str(LISTED_MAX), "--rate", str(A_SECOND)),
    )
    return int(told["letters"])


def _as_it_must(it: Bad, lie: dict[str, list[dict[str, Any]]], stand: set[str]) -> bool:
    subject = it.event.envelope.subject
    if it.rival is not None and subject in stand:
        subject = it.rival.envelope.subject
    return [row["reason"] for row in lie.get(subject, ())] == [it.reason]


async def _standing(world: World, bad: Sequence[Bad]) -> set[str]:
    """Subjects of bad messages that stand, as those may that came before their rival."""
    connection = await world.connect()
    try:
        rows = await connection.fetch(
            "SELECT aggregate_id FROM audit.workflow_events WHERE aggregate_id = ANY($1::text[])",
            [it.event.envelope.subject for it in bad],
        )
    finally:
        await connection.close()
    return {row["aggregate_id"] for row in rows}


async def _rows(world: World, known: Sequence[Bad]) -> list[int]:
    connection = await world.connect()
    try:
        rows = await connection.fetch(
            "SELECT count(*) AS times FROM audit.workflow_events "
            "WHERE event_id = ANY($1::uuid[]) GROUP BY event_id",
            [it.event.envelope.id for it in known],
        )
    finally:
        await connection.close()
    return [row["times"] for row in rows]
