"""Sets of CIDs, compared by prefix, and by all bytes where prefixes hide something."""

from collections.abc import Iterable
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsync.domain.cid import CID_BYTES, vsync_of
from vsync.domain.cid_sets import Cids, CidSet, Difference, difference

# CIDs are digests, so that none is the XOR of others; one that is made of a number stands for it.
any_cid = st.integers(0, 10**6).map(lambda it: sha256(b"%d" % it).digest())
# Few beginnings: what five million CIDs hardly ever show is met here all the time.
alike = any_cid.map(lambda cid: bytes([cid[0] % 4]) * 8 + cid[8:])


def _set(of: Iterable[bytes], piece: int = 3) -> CidSet:
    rows = list(of)

    def reading() -> Iterable[Cids]:
        for at in range(0, len(rows), piece):
            some = b"".join(rows[at : at + piece])
            yield np.frombuffer(some, np.uint8).reshape(-1, CID_BYTES)

    return CidSet(reading)


@pytest.mark.parametrize("cid", [any_cid, alike, any_cid | alike], ids=["any", "alike", "mixed"])
def test_the_difference_is_that_of_sets(cid: st.SearchStrategy[bytes]) -> None:
    @given(st.sets(cid, max_size=12), st.sets(cid, max_size=12), st.integers(1, 5))
    def holds(ours: set[bytes], theirs: set[bytes], piece: int) -> None:
        found = difference(_set(ours, piece), _set(theirs, piece))
        assert found == Difference(frozenset(ours - theirs), frozenset(theirs - ours))

    holds()


@given(st.lists(any_cid | alike, max_size=12))
def test_a_set_knows_its_vsync_its_size_and_what_it_repeats(of: list[bytes]) -> None:
    read = _set(of)
    assert (read.vsync, read.count) == (vsync_of(of), len(of))
    assert read.repeated == {cid for cid in of if of.count(cid) > 1}


def test_a_set_that_repeats_a_cid_is_compared_with_nothing() -> None:
    twice = _set([b"a" * CID_BYTES] * 2)
    with pytest.raises(AssertionError, match="repeats"):
        difference(twice, _set([]))


def test_two_cids_with_one_prefix_are_told_apart() -> None:
    ours, theirs = b"p" * 8 + b"1" * 24, b"p" * 8 + bytes(24)
    found = difference(_set([ours]), _set([theirs]))
    assert found == Difference(frozenset({ours}), frozenset({theirs}))
