"""One seed: events are published while sinks and servers die; then every one is accounted for."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pulsar

from dict_common.kernel.errors import Unavailable
from tests.faults.results import Line
from tests.faults.sink.plan import ServerKill, SinkPlan, plan_of
from tests.faults.sink.stage import SinkStage, watch_of
from tests.faults.stage import Watch, pause, seen
from tests.support.audit_evidence import broken_evidence
from tests.support.events import EventProducer, TestEvent, event_producer, step_event

END_SECONDS_MAX = 240.0
SEND_SECONDS_MAX = 120.0
REUSED = "event-id-reused"
KEPT = "P1 P2 P10 P11"


@dataclass
class Published:
    """What the broker took; `bad`: each poison message with the reason it must be buried for.

    `rivals`: two contents under one id. Which of them came first is nobody's promise, since
    batches overlap; one stands in the audit and the other in the dead letters.
    """

    good: list[TestEvent]
    bad: list[tuple[TestEvent, str]]
    rivals: list[tuple[TestEvent, TestEvent]]


@dataclass
class _Waiting:
    """What is still to be done."""

    messages: list[TestEvent]
    kills: list[ServerKill]
    done: int = 0


async def run_seed(seed: int, stage: SinkStage, commit: str) -> Line:
    """Plays and judges a seed. What goes wrong on the way is a broken seed too."""
    began = time.monotonic()
    plan, watch = plan_of(seed), watch_of(stage)
    try:
        published = await play(plan, stage)
        broken = await judge(published, stage, watch)
    except Exception as problem:  # noqa: BLE001 a runner that stops shows one broken seed only
        broken = [f"{type(problem).__name__}: {problem}"]
    finally:
        await asyncio.to_thread(stage.end)
        watch.drop()
    killed = [*stage.died, *(kill.target for kill in plan.servers)]
    told = KEPT if not broken else "broken"
    ends = (f"{plan.events} events", f"{len(plan.poison)} bad")
    return Line(commit, seed, time.monotonic() - began, tuple(killed), ends, told, tuple(broken))


async def play(plan: SinkPlan, stage: SinkStage) -> Published:
    """Publishes everything while sinks and servers die as planned."""
    stage.begin(plan)
    messages, published = _messages(plan)
    waiting = _Waiting(list(messages), sorted(plan.servers, key=lambda kill: kill.percent))
    deadline = time.monotonic() + SEND_SECONDS_MAX
    while waiting.messages:
        assert time.monotonic() < deadline, "the broker does not come back"
        with suppress(Unavailable, pulsar.PulsarException, *_AWAY):
            async with event_producer(stage.world) as producer:
                await _publish(plan, stage, producer, waiting)
    return published


async def _publish(
    plan: SinkPlan, stage: SinkStage, producer: EventProducer, waiting: _Waiting
) -> None:
    """What a broken connection leaves unanswered is sent again: one more duplicate."""
    total = len(waiting.messages) + waiting.done
    while waiting.messages:
        part = waiting.messages[: total // plan.bursts + 1]
        await asyncio.gather(*(producer.send(event) for event in part))
        del waiting.messages[: len(part)]
        waiting.done += len(part)
        await pause(plan.gap / 1000)
        await asyncio.to_thread(stage.revive)
        while waiting.kills and waiting.done * 100 >= waiting.kills[0].percent * total:
            kill = waiting.kills.pop(0)
            await stage.kill_server(kill.target)
            await pause(kill.down / 1000)
            await stage.start_server(kill.target)


def _messages(plan: SinkPlan) -> tuple[list[TestEvent], Published]:
    subjects = [uuid4() for _ in range(plan.aggregates)]
    good = [
        step_event(sequence, subject)
        for sequence in range(1, plan.events_each + 1)
        for subject in subjects
    ]
    copies = set(plan.copies)
    messages: list[TestEvent] = []
    published = Published(good, [], [])
    for number, event in enumerate(good):
        messages += [event] * (2 if number in copies else 1)
        for kind in (kind for after, kind in plan.poison if after == number):
            bad = _poison(kind)
            messages.append(bad)
            if kind != REUSED:
                published.bad.append((bad, kind))
                continue
            rival = TestEvent(step_event().envelope._replace(id=bad.envelope.id))
            messages.append(rival)
            published.rivals.append((bad, rival))
    return messages, published


def _poison(kind: str) -> TestEvent:
    """A bad message of an aggregate of its own, so that it is found by its subject."""
    event = step_event()
    match kind:
        case "undecodable":
            return replace(event, outcome=None)
        case "envelope-invalid":
            return replace(event, dropped=("ce_sequence",))
        case "text-has-nul":
            return replace(event, outcome="a\x00b")
        case "time-in-future":
            return step_event(time=datetime.now(UTC) + timedelta(days=2))
    return event


async def judge(
    published: Published, stage: SinkStage, watch: Watch, seconds: float = END_SECONDS_MAX
) -> list[str]:
    """Waits until everything is accounted for, then says what is broken; empty = nothing."""
    ids = [event.envelope.id for event in published.good]

    async def all_in() -> bool:
        await asyncio.to_thread(stage.revive)
        rows = await watch.rows(_COUNT, ids)
        return rows is not None and rows[0]["there"] >= len(ids)

    broken: list[str] = []
    if not await seen(all_in, seconds):
        broken.append("P1: events are missing")
    letters = await _letters(published, stage)
    for event, reason in published.bad:
        found = letters.get(event.envelope.subject, set())
        if found != {reason}:
            broken.append(f"P11: {reason} lies in the dead letters as {found or 'nothing'}")
    rows = await watch.rows(_ROWS, ids)
    assert rows is not None, "PostgreSQL is away"
    twice = [
        str(id_) for id_, times in Counter(row["event_id"] for row in rows).items() if times > 1
    ]
    broken += [f"P2: {id_} stands twice" for id_ in twice]
    broken += await _rivals(published, letters, watch)
    broken += _gaps(published, rows)
    broken += await _evidence(stage)
    return broken


async def _rivals(published: Published, letters: dict[str, set[str]], watch: Watch) -> list[str]:
    ids = [event.envelope.id for pair in published.rivals for event in pair]
    rows = await watch.rows(_ROWS, ids)
    assert rows is not None, "PostgreSQL is away"
    stand = {row["aggregate_id"] for row in rows}
    broken = []
    for pair in published.rivals:
        subjects = {event.envelope.subject for event in pair}
        lie = {subject for subject in subjects if letters.get(subject) == {REUSED}}
        if len(stand & subjects) != 1 or lie != subjects - stand:
            broken.append(f"P11: of {subjects}, {stand & subjects} stand and {lie} lie")
    return broken


def _gaps(published: Published, rows: "Sequence[asyncpg.Record]") -> list[str]:
    stands: dict[str, list[int]] = {}
    for row in rows:
        stands.setdefault(row["aggregate_id"], []).append(row["aggregate_sequence"])
    wanted = Counter(event.envelope.subject for event in published.good)
    return [
        f"P10: {subject} has {sorted(stands.get(subject, []))}, not 1 to {count}"
        for subject, count in wanted.items()
        if sorted(stands.get(subject, [])) != list(range(1, count + 1))
    ]


async def _letters(published: Published, stage: SinkStage) -> dict[str, set[str]]:
    """Reasons by subject, once every bad message has one; a kill may bury it twice."""
    wanted = {event.envelope.subject for event, _ in published.bad}
    rivals = [{event.envelope.subject for event in pair} for pair in published.rivals]
    found: dict[str, set[str]] = {}

    async def all_there() -> bool:
        await asyncio.to_thread(stage.revive)
        found.clear()
        done = await asyncio.to_thread(
            stage.world.dictctl,
            "dlq",
            "list",
            "--service",
            "audit-sink",
            "-o",
            "json",
            "--limit",
            "10000",
        )
        for row in json.loads(done.stdout) if done.returncode == 0 else ():
            found.setdefault(row["ce_subject"], set()).add(row["reason"])
        return wanted <= set(found) and all(pair & set(found) for pair in rivals)

    if wanted or rivals:
        await seen(all_there, END_SECONDS_MAX)
    return found


async def _evidence(stage: SinkStage) -> list[str]:
    connection = await stage.world.connect()
    try:
        return [f"evidence: {what}" for what in await broken_evidence(connection)]
    finally:
        await connection.close()


_AWAY = (OSError, TimeoutError, asyncpg.PostgresError)
_COUNT = """
SELECT count(DISTINCT event_id) AS there FROM audit.workflow_events WHERE event_id = ANY($1::uuid[])
"""
_ROWS = """
SELECT event_id, aggregate_id, aggregate_sequence FROM audit.workflow_events
WHERE event_id = ANY($1::uuid[])
"""
