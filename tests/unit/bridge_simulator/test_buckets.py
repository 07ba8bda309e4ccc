"""Token buckets, by section 1.9, and the table of problems, by section 1.7."""

from datetime import timedelta

import pytest

from bridge_simulator.buckets import POLICIES, Buckets
from bridge_simulator.problems import PROBLEM_KINDS
from tests.unit.bridge_simulator.dict_world import CLAIMER_ISPB, DONOR_ISPB, START, refused

TABLE = """
ENTRIES_WRITE 1200 36000
ENTRIES_UPDATE 600 600
CLAIMS_READ 600 18000
CLAIMS_WRITE 1200 36000
CLAIMS_LIST_WITH_ROLE 40 200
CLAIMS_LIST_WITHOUT_ROLE 10 50
SYNC_VERIFICATIONS_WRITE 10 50
CIDS_FILES_READ 10 50
CIDS_EVENTS_LIST 20 100
CIDS_ENTRIES_READ 1200 36000
POLICIES_LIST 6 20
"""


@pytest.mark.parametrize("row", TABLE.split("\n")[1:-1])
def test_the_policies_are_bacens(row: str) -> None:
    name, per_minute, size = row.split()
    policy = POLICIES[name]
    assert policy.refill_tokens * 60 / policy.refill_period_seconds == int(per_minute)
    assert policy.capacity == int(size)


def test_files_of_cids_are_forty_a_day() -> None:
    policy = POLICIES["CIDS_FILES_WRITE"]
    assert (policy.refill_tokens, policy.refill_period_seconds) == (40, 86_400)
    assert policy.capacity == 200


def test_a_bucket_runs_dry_and_refills() -> None:
    buckets = Buckets()
    for _ in range(20):
        buckets.take(DONOR_ISPB, "POLICIES_LIST", START)
    with refused("RateLimited"):
        buckets.take(DONOR_ISPB, "POLICIES_LIST", START)
    buckets.take(CLAIMER_ISPB, "POLICIES_LIST", START)
    ten_seconds = START + timedelta(seconds=10)
    buckets.take(DONOR_ISPB, "POLICIES_LIST", ten_seconds)
    with refused("RateLimited"):
        buckets.take(DONOR_ISPB, "POLICIES_LIST", ten_seconds)
    assert buckets.available(DONOR_ISPB, START + timedelta(hours=1))["POLICIES_LIST"] == 20


@pytest.mark.parametrize(
    ("policy", "tokens", "day_seconds", "retry_after"),
    [
        ("POLICIES_LIST", 20, 86_400, 10),
        ("POLICIES_LIST", 20, 60, 10),
        ("CIDS_FILES_WRITE", 200, 86_400, 2160),
        ("CIDS_FILES_WRITE", 200, 120, 3),
        ("CIDS_FILES_WRITE", 200, 1, 1),
        ("SYNC_VERIFICATIONS_WRITE", 50, 86_400, 6),
    ],
)
def test_a_dry_bucket_says_when_it_has_a_token_and_a_shorter_day_brings_it_sooner(
    policy: str, tokens: int, day_seconds: int, retry_after: int
) -> None:
    buckets = Buckets(day_seconds)
    for _ in range(tokens):
        buckets.take(DONOR_ISPB, policy, START)
    with refused("RateLimited") as caught:
        buckets.take(DONOR_ISPB, policy, START)
    assert caught.value.retry_after_seconds == retry_after
    buckets.take(DONOR_ISPB, policy, START + timedelta(seconds=retry_after))


def test_buckets_that_refill_faster_hold_no_more() -> None:
    buckets = Buckets(speed=20)
    for _ in range(20):
        buckets.take(DONOR_ISPB, "POLICIES_LIST", START)
    with refused("RateLimited") as caught:
        buckets.take(DONOR_ISPB, "POLICIES_LIST", START)
    assert caught.value.retry_after_seconds == 1  # half a second, in whole ones
    half = START + timedelta(seconds=0.5)
    buckets.take(DONOR_ISPB, "POLICIES_LIST", half)
    with refused("RateLimited"):
        buckets.take(DONOR_ISPB, "POLICIES_LIST", half)
    assert buckets.available(DONOR_ISPB, START + timedelta(hours=1))["POLICIES_LIST"] == 20


def test_a_clock_that_goes_back_takes_no_tokens_away() -> None:
    buckets = Buckets()
    buckets.take(DONOR_ISPB, "POLICIES_LIST", START)
    earlier = START - timedelta(hours=1)
    assert buckets.available(DONOR_ISPB, earlier)["POLICIES_LIST"] == 19


def test_cleared_buckets_are_full() -> None:
    buckets = Buckets()
    buckets.take(DONOR_ISPB, "POLICIES_LIST", START)
    buckets.clear()
    assert buckets.available(DONOR_ISPB, START)["POLICIES_LIST"] == 20


OTHER_THAN_400 = {
    "Forbidden": 403,
    "NotFound": 404,
    "ClaimKeyNotFound": 404,
    "ResourceConflict": 409,
    "RateLimited": 429,
    "Gone": 410,
    "DeprecatedResource": 410,
    "InternalServerError": 500,
    "ServiceUnavailable": 503,
}
GRPC = {
    403: {"PERMISSION_DENIED"},
    404: {"NOT_FOUND"},
    409: {"ABORTED"},
    410: {"NOT_FOUND"},
    429: {"RESOURCE_EXHAUSTED"},
    500: {"INTERNAL"},
    503: {"UNAVAILABLE"},
    400: {"INVALID_ARGUMENT", "FAILED_PRECONDITION"},
}


@pytest.mark.parametrize("type_name", PROBLEM_KINDS)
def test_every_problem_has_bacens_status(type_name: str) -> None:
    kind = PROBLEM_KINDS[type_name]
    assert kind.http_status == OTHER_THAN_400.get(type_name, 400)
    assert kind.grpc_status.name in GRPC[kind.http_status]
