"""The breaker: one failure opens it, one probe at a time finds out, only a probe closes it."""

import time

from dict_common.cache.breaker import Admission, Breaker
from dict_common.cache.values import is_storable
from dict_common.ports.cache import VALUE_BYTES_MAX


class Seconds:
    """A monotonic clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Where it stands."""
        return self.now


def test_one_failure_stops_calls_until_a_probe_succeeds() -> None:
    seconds = Seconds()
    breaker = Breaker(1.0, seconds)
    assert breaker.admit() is Admission.CALL
    assert breaker.failed(), "it went away by this"
    assert breaker.admit() is Admission.SKIP
    seconds.now += 0.9
    assert breaker.admit() is Admission.SKIP
    seconds.now += 0.1
    assert breaker.admit() is Admission.PROBE
    assert breaker.admit() is Admission.SKIP, "one is enough"
    assert breaker.succeeded(Admission.PROBE), "it is back by this"
    assert breaker.admit() is Admission.CALL
    assert not breaker.succeeded(Admission.CALL), "it was there"


def test_a_probe_that_fails_or_is_given_up_is_followed_by_another() -> None:
    seconds = Seconds()
    breaker = Breaker(1.0, seconds)
    breaker.failed()
    for _ in range(3):
        seconds.now += 1.0
        assert breaker.admit() is Admission.PROBE
        assert not breaker.failed(), "that it is away was known"
    seconds.now += 1.0
    assert breaker.admit() is Admission.PROBE  # its caller is cancelled and says nothing
    seconds.now += 1.0
    assert breaker.admit() is Admission.PROBE


def test_a_call_from_before_the_failure_does_not_bring_it_back() -> None:
    breaker = Breaker(1.0, Seconds())
    early = breaker.admit()
    breaker.failed()
    assert not breaker.succeeded(early)
    assert breaker.admit() is Admission.SKIP


def test_looking_for_personal_data_takes_no_time_even_in_the_worst_value() -> None:
    start = time.perf_counter()
    for piece in (b"a", b"+1", b"+./", b"a@", b"1234567890 ", b"111.222."):
        assert is_storable(piece * (VALUE_BYTES_MAX // len(piece))), piece
    assert time.perf_counter() - start < 5.0
