"""One batch: new once, duplicates dropped, poison alone, nothing acknowledged too early."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from audit_sink.application.ports import Candidate, Decoded, RowRefused, Written
from audit_sink.application.write_batch import WriteBatch
from audit_sink.domain.audit_row import AuditRow, canonical_json, check
from audit_sink.domain.evidence import (
    batch_root,
    content_digest,
    framed_columns,
    leaf_of,
    merkle_root,
    parts,
)
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import Unavailable, Undeliverable
from dict_common.testing.clock import CountingIds

NOW = datetime(2026, 1, 31, 23, tzinfo=UTC)
ROW = AuditRow(
    event_id=UUID(int=1),
    workflow_type="CreateClaimWorkflow",
    workflow_id="claim-1",
    workflow_run_id=None,
    event_type="STARTED",
    event_subtype="claim.created",
    event_payload=canonical_json({"b": 1, "a": "é"}),
    user_id=None,
    correlation_id=None,
    occurred_at=NOW,
    metadata=canonical_json({"topic": "t"}),
    source="/dict-connect/claim-orchestrator",
    aggregate_type="claim",
    aggregate_id="1",
    aggregate_sequence=1,
    participant_ispb="12345678",
)


def row(number: int, **changes: Any) -> AuditRow:
    """A row with its own id."""
    return ROW._replace(event_id=UUID(int=number), **changes)


def candidate(number: int, digest: int = 1, place: int | None = None) -> Candidate:
    """A candidate of that id."""
    return Candidate(number if place is None else place, row(number), digest)


def decoded(*candidates: Candidate) -> Decoded:
    """A batch without junk."""
    return Decoded(candidates, ())


class MemoryStore:
    """AuditStore in memory; refuses batches with a bad row, as COPY does."""

    def __init__(self, *bad: int) -> None:
        self.digests: dict[UUID, int] = {}
        self.bad = {UUID(int=number) for number in bad}
        self.batches: list[int] = []
        self.away = 0

    async def write(self, _batch_id: UUID, candidates: Sequence[Candidate]) -> Written:
        if self.away:
            self.away -= 1
            raise Unavailable("postgres-failed", "away")
        self.batches.append(len(candidates))
        if any(it.row.event_id in self.bad for it in candidates):
            raise RowRefused("22P05")
        new = [
            it
            for it in candidates
            if it.row.event_id not in self.digests
            and self.digests.setdefault(it.row.event_id, it.content_digest) == it.content_digest
        ]
        reused = [it for it in candidates if self.digests[it.row.event_id] != it.content_digest]
        return Written(tuple(new), len(candidates) - len(new) - len(reused), tuple(reused))


async def test_batch_is_written_once_however_often() -> None:
    store = MemoryStore()
    write = WriteBatch(store, CountingIds())
    batch = decoded(*(candidate(number) for number in range(1, 6)))
    assert len((await write(batch)).new) == 5
    again = await write(batch)
    assert (len(again.new), again.duplicates, again.poison) == (0, 5, ())


async def test_duplicates_inside_a_batch() -> None:
    write = WriteBatch(MemoryStore(), CountingIds())
    result = await write(
        decoded(candidate(1), candidate(1, place=7), candidate(1, digest=2, place=8))
    )
    assert (len(result.new), result.duplicates) == (1, 1)
    ((bad,),) = [result.poison]
    assert (bad.place, bad.error.reason_code) == (8, "event-id-reused")


async def test_reused_id_across_batches() -> None:
    write = WriteBatch(MemoryStore(), CountingIds())
    await write(decoded(candidate(1)))
    (bad,) = (await write(decoded(candidate(1, digest=2), candidate(2)))).poison
    assert bad.error.reason_code == "event-id-reused"


async def test_what_stands_is_no_letter_when_it_comes_again_behind_its_rival() -> None:
    store = MemoryStore()
    write = WriteBatch(store, CountingIds())
    await write(decoded(candidate(1, digest=1)))
    rivals = decoded(
        candidate(1, digest=2, place=0),
        candidate(1, digest=1, place=1),
        candidate(1, digest=3, place=2),
        candidate(1, digest=2, place=3),
        candidate(2, place=4),
    )
    result = await write(rivals)
    assert [poison.place for poison in result.poison] == [0, 2, 3]
    assert (len(result.new), result.duplicates) == (1, 1)
    assert store.batches == [1, 5], "rivals cost no transaction of their own"
    assert store.digests == {UUID(int=1): 1, UUID(int=2): 1}


async def test_content_that_the_database_refuses_keeps_its_id_from_nobody() -> None:
    class RefusesTwo(MemoryStore):
        async def write(self, batch_id: UUID, candidates: Sequence[Candidate]) -> Written:
            if any(it.content_digest == 2 for it in candidates):
                raise RowRefused("22P05")
            return await super().write(batch_id, candidates)

    store = RefusesTwo()
    both = decoded(candidate(1, digest=2, place=0), candidate(1, digest=1, place=1))
    result = await WriteBatch(store, CountingIds())(both)
    assert [(it.place, it.error.reason_code) for it in result.poison] == [(0, "row-refused")]
    assert store.digests == {UUID(int=1): 1}


@pytest.mark.parametrize("bad", [(3,), (1,), (8,), (2, 7), tuple(range(1, 9))])
async def test_bad_rows_are_found_by_halving_and_the_others_are_in(bad: tuple[int, ...]) -> None:
    store = MemoryStore(*bad)
    result = await WriteBatch(store, CountingIds())(decoded(*(candidate(n) for n in range(1, 9))))
    assert {poison.place for poison in result.poison} == set(bad)
    assert {poison.error.reason_code for poison in result.poison} == {"row-refused"}
    assert set(store.digests) == {UUID(int=n) for n in range(1, 9)} - store.bad


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(1, occurred_at=NOW + timedelta(hours=24, seconds=1)), "time-in-future"),
        (row(1, occurred_at=datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)), "time-before-1970"),
        (row(1, aggregate_id="x" * 256), "field-too-long"),
        (row(1, source="a\x00b"), "text-has-nul"),
        (row(1, event_payload=canonical_json({"deep": [{"x": "\x00"}]})), "text-has-nul"),
        (row(1, event_payload=canonical_json({"\x00": 1})), "text-has-nul"),
    ],
)
def test_poison_is_known_before_the_database_sees_it(bad: AuditRow, reason: str) -> None:
    with pytest.raises(Undeliverable) as buried:
        check(bad, NOW)
    assert buried.value.reason_code == reason


def test_good_row_passes() -> None:
    check(row(1, event_payload=canonical_json({"looks": "\\u0000", "like": "\\\\u0000"})), NOW)
    check(row(1, occurred_at=NOW + timedelta(hours=24)), NOW)
    check(row(1, occurred_at=NOW - timedelta(days=9_999)), NOW)


def leaf(of: AuditRow) -> bytes:
    """The leaf of a row."""
    return leaf_of(framed_columns(of))


def test_leaf_ignores_the_order_of_names_and_sees_every_value() -> None:
    assert leaf(row(1, event_payload=canonical_json({"a": "é", "b": 1}))) == leaf(row(1))
    changed = [
        leaf(row(2)),
        leaf(ROW._replace(workflow_run_id=UUID(int=2))),
        leaf(ROW._replace(correlation_id="")),
        leaf(ROW._replace(event_payload=canonical_json({"b": 2, "a": "é"}))),
        leaf(ROW._replace(occurred_at=NOW + timedelta(microseconds=1))),
        leaf(ROW._replace(aggregate_sequence=2)),
    ]
    assert len({leaf(ROW), *changed}) == len(changed) + 1


def test_canonical_json() -> None:
    assert (
        canonical_json({"b": [1, None, True], "a": "é"}) == '{"a":"é","b":[1,null,true]}'.encode()
    )


@pytest.mark.parametrize("size", range(1, 10))
def test_merkle_root_sees_order_and_every_leaf(size: int) -> None:
    leaves = [leaf(row(number)) for number in range(size)]
    root = merkle_root(leaves)
    assert len(root) == 32
    for place in range(size):
        assert merkle_root([*leaves[:place], b"\x00" * 32, *leaves[place + 1 :]]) != root
    if size > 1:
        assert merkle_root(leaves[::-1]) != root


def test_parts_follow_the_months_of_a_batch() -> None:
    rows = [row(1), row(2, occurred_at=NOW + timedelta(days=1)), row(3)]
    january, february = parts(rows)
    assert (january.month, january.rows) == (date(2026, 1, 1), 2)
    assert (february.month, february.rows) == (date(2026, 2, 1), 1)
    assert batch_root([january, february]) != batch_root([february, january])


def test_digest_tells_contents_apart_and_fits_a_bigint() -> None:
    envelope = Envelope(UUID(int=1), "t", "/s", NOW, "a", "claim", sequence=1)
    digests = {
        content_digest(envelope, b"x"),
        content_digest(envelope, b"y"),
        content_digest(envelope._replace(subject="b"), b"x"),
        content_digest(envelope._replace(sequence=2), b"x"),
        content_digest(envelope._replace(type="ta", source="s"), b"x"),
    }
    assert len(digests) == 5
    assert all(-(2**63) <= digest < 2**63 for digest in digests)
