"""The ladder, as a table: whatever DICT says and rungs find, a run ends and proves what it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsync.domain.sync_run import (
    RUNGS,
    VERIFY_TRIES_MAX,
    Ladder,
    Move,
    Rung,
    SyncStatus,
    SyncType,
    joined,
)

Walk = list[tuple[Move, Rung | None]]


def walk(
    sync_type: SyncType, verdicts: list[bool], changes: list[bool], unsettled: bool = False
) -> tuple[Walk, Ladder]:
    """All moves of a run in which DICT and the rungs answer so; NOK and nothing when they are
    used up. `unsettled`: each rung leaves something that is too young."""
    ladder, moves = Ladder(sync_type), Walk()
    said, found = iter(verdicts), iter(changes)
    while (move := ladder.next_move()) is not Move.END:
        rung = ladder.next_rung if move is Move.CLIMB else None
        moves.append((move, rung))
        if move is Move.VERIFY:
            ladder = ladder.verified(next(said, False))
        elif move is Move.PAUSE:
            ladder = ladder.waited()
        else:
            ladder = ladder.rung_done(next(found, False), unsettled)
    return moves, ladder


answers = st.lists(st.booleans(), max_size=20)


@given(st.sampled_from(SyncType), answers, answers, st.booleans())
def test_a_run_ends_and_only_dict_proves(
    sync_type: SyncType, verdicts: list[bool], changes: list[bool], unsettled: bool
) -> None:
    moves, ladder = walk(sync_type, verdicts, changes, unsettled)
    climbed = [rung for move, rung in moves if move is Move.CLIMB]
    rungs = [it for it in RUNGS[sync_type] if unsettled or it is not Rung.SETTLED]
    assert climbed == rungs[: len(climbed)]
    verifications = sum(move is Move.VERIFY for move, _ in moves)
    assert verifications <= VERIFY_TRIES_MAX * (1 + len(climbed))
    said = (verdicts + [False] * verifications)[:verifications]
    assert ladder.proven == any(said)
    if ladder.proven:
        assert moves[-1][0] is Move.VERIFY
    else:
        assert ladder.next_rung is None


def test_an_equal_set_costs_one_request() -> None:
    assert walk(SyncType.INCREMENTAL, [True], []) == (
        [(Move.VERIFY, None)],
        Ladder(SyncType.INCREMENTAL, tries=1, proven=True),
    )


def test_a_full_run_compares_the_file_before_it_verifies_anything() -> None:
    moves, _ = walk(SyncType.FULL, [True], [])
    assert moves == [(Move.CLIMB, Rung.FILE), (Move.VERIFY, None)]


def test_tries_have_a_pause_between_them() -> None:
    moves, _ = walk(SyncType.INCREMENTAL, [False, False, True], [])
    assert [move for move, _ in moves] == [
        Move.VERIFY,
        Move.PAUSE,
        Move.VERIFY,
        Move.PAUSE,
        Move.VERIFY,
    ]


def test_after_a_rung_that_found_nothing_dict_is_asked_once() -> None:
    moves, _ = walk(SyncType.INCREMENTAL, [], [False, True])
    assert [it for it in moves if it[0] is not Move.PAUSE] == [
        *[(Move.VERIFY, None)] * 3,
        (Move.CLIMB, Rung.EVENTS),
        (Move.VERIFY, None),
        (Move.CLIMB, Rung.FILE),
        *[(Move.VERIFY, None)] * 3,
        (Move.CLIMB, Rung.EVENTS_AFTER),
        (Move.VERIFY, None),
    ]


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([SyncStatus.COMPLETED] * 2, SyncStatus.COMPLETED),
        ([SyncStatus.FAILED] * 2, SyncStatus.FAILED),
        ([SyncStatus.PARTIAL] * 2, SyncStatus.PARTIAL),
        ([SyncStatus.COMPLETED, SyncStatus.FAILED], SyncStatus.PARTIAL),
        ([SyncStatus.COMPLETED, SyncStatus.PARTIAL], SyncStatus.PARTIAL),
    ],
)
def test_a_whole_run_is_what_its_parts_are(parts: list[SyncStatus], whole: SyncStatus) -> None:
    assert joined(parts) is whole
