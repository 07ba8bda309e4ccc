"""The format of generated sets: benchmarks write the same entries as somebody's own base."""

import threading

import numpy as np
import pytest

from bridge_simulator import entry_rules
from bridge_simulator.cid import cid, cid_bytes, entry_cid, sync_verifier
from bridge_simulator.formats import KEY_PATTERNS, key_violations, require_request_id
from bridge_simulator.generated_cids import LINES_AT_ONCE, BuildingStopped, build
from bridge_simulator.generated_set import COUNT_MAX, GeneratedSet, entry_of
from bridge_simulator.records import EntryOrder
from tests.unit.bridge_simulator.dict_world import CLAIMER_ISPB, DONOR_ISPB, account

KEY_TYPES = tuple(KEY_PATTERNS)
INDEXES = (0, 1, 2, 9, 10, 9998, 9999, COUNT_MAX - 1, COUNT_MAX, COUNT_MAX + 7)

# Key, trade name, branch, account number, account type, RequestId, CID. They may never change.
VECTORS = [
    ("CPF", 7, 0, "29517257500 - - 1000000000 CACC 21f78258-f747-4add-959c-b42062d2c2d1"
     " a59725d9d0f42324ed49c20f27c5a99b0508b7e4303dfec79a5970492f134a18"),
    ("CNPJ", 2**64 - 1, 4_999_999, "00076205349500 Comércio~5000000 0500 2004999999 SLRY"
     " 9782da22-9044-4c23-a4f9-682b2c86cceb"
     " b92107a062fb5f9859d01ffda352429c2b5c3776203da181953a12e431e342c0"),
    ("PHONE", 2**64 - 1, 1, "+5520588405828 - 0002 3000000001 SVGS"
     " 20660ed5-9681-4c9a-8ade-46d2dfe80625"
     " 2e5049d9ce5071a3fe043fd68f69a0901d335f2bea33aa19461fd2911c5de762"),
    ("EMAIL", 7, 0, "pessoa.628204837@example.com - - 4000000000 CACC"
     " 76223e4c-9808-46d3-a24f-e5fc2f6105b3"
     " ff2c523ffca6e03dfbbf34bc34719b256e245baae14ac9df68cfbf933860d307"),
    ("EVP", 2**64 - 1, 4_999_999, "080a219f-9d14-45f3-8545-17a054b7e896 - 0500 5004999999 SLRY"
     " 3b1b7f07-c6cb-4d42-a44b-9a7165cb3f90"
     " d0d53d568678e4d8f876d9ce3eacd7ed16ba5bcfa3595cddec8cc96d44aef2ae"),
]  # fmt: skip


@pytest.mark.parametrize(("key_type", "seed", "index", "row"), VECTORS)
def test_the_format_stays(key_type: str, seed: int, index: int, row: str) -> None:
    entry = entry_of(seed, "12345678", key_type, index)
    values = (
        entry.key,
        (entry.owner.trade_name or "-").replace(" ", "~"),
        entry.account.branch or "-",
        entry.account.account_number,
        entry.account.account_type,
        entry.request_id,
        entry.cid,
    )
    assert " ".join(values) == row


@pytest.mark.parametrize("key_type", KEY_TYPES)
@pytest.mark.parametrize("index", INDEXES)
def test_every_entry_is_one_that_dict_would_take(key_type: str, index: int) -> None:
    entry = entry_of(1, DONOR_ISPB, key_type, index)
    key = "" if key_type == "EVP" else entry.key
    entry_rules.check_order(EntryOrder(key, key_type, entry.account, entry.owner), "USER_REQUESTED")
    assert not list(key_violations(entry.key, key_type))
    require_request_id(entry.request_id, "EntryInvalid")
    assert entry.account.participant == DONOR_ISPB
    assert entry.cid == entry_cid(entry.request_id, key_type, entry.key, entry.owner, entry.account)


def test_the_quick_cid_is_the_librarys() -> None:
    attributes = (
        "PHONE",
        "+5511987654321",
        "11122233300",
        "João Silva",
        "",
        "12345678",
        "",
        "",
        "",
    )
    request_id = "a946d533-7f22-42a5-9a9b-e87cd55c0f4d"
    quick = cid_bytes(bytes.fromhex(request_id.replace("-", "")), attributes)
    assert quick.hex() == cid(request_id, attributes)


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_keys_and_accounts_lead_back_to_their_entry(key_type: str) -> None:
    of = GeneratedSet(DONOR_ISPB, key_type, 3, 2000)
    entries = [of.entry(index) for index in range(2000)]
    assert [of.index_of_key(entry.key) for entry in entries] == list(range(2000))
    assert [of.index_of_account(entry.account) for entry in entries] == list(range(2000))
    assert len({entry.request_id for entry in entries}) == 2000
    beyond = of.entry(2000)
    assert of.index_of_key(beyond.key) is None
    assert of.index_of_account(beyond.account) is None


@pytest.mark.parametrize("key_type", KEY_TYPES)
@pytest.mark.parametrize(
    "key",
    ["", "x", "+", "+55", "+5520", "٣" * 11, "pessoa.", "a" * 77, "-1234567-", "1_0", " 12345678"],
)
def test_other_keys_lead_nowhere(key_type: str, key: str) -> None:
    assert GeneratedSet(DONOR_ISPB, key_type, 3, COUNT_MAX).index_of_key(key) is None


def test_other_accounts_lead_nowhere() -> None:
    of = GeneratedSet(DONOR_ISPB, "PHONE", 3, 100)
    own = of.entry(11).account
    for number, branch, participant in (
        (own.account_number, own.branch, CLAIMER_ISPB),
        (own.account_number, None, DONOR_ISPB),
        (own.account_number, "0001", DONOR_ISPB),
        ("1000000011", own.branch, DONOR_ISPB),
        ("3A", own.branch, DONOR_ISPB),
        ("", own.branch, DONOR_ISPB),
        ("٣٠٠٠٠٠٠٠١١", own.branch, DONOR_ISPB),
    ):
        assert of.index_of_account(account(participant, number, branch)) is None
    assert of.index_of_account(own) == 11


@pytest.mark.parametrize("key_type", ["PHONE", "CPF"])
def test_sets_that_share_keys_know_it(key_type: str) -> None:
    mine = GeneratedSet(DONOR_ISPB, key_type, 0, COUNT_MAX)
    others = [GeneratedSet(CLAIMER_ISPB, key_type, seed, COUNT_MAX) for seed in range(600)]
    shares = [other for other in others if mine.shares_keys_with(other)]
    assert 0 < len(shares) < 30
    for other in others:
        ends = (other.entry(0).key, other.entry(COUNT_MAX - 1).key)
        met = any(mine.index_of_key(key) is not None for key in ends)
        assert met == mine.shares_keys_with(other) == other.shares_keys_with(mine)


def test_evps_and_key_types_are_never_shared() -> None:
    evps = [GeneratedSet(DONOR_ISPB, "EVP", seed, COUNT_MAX) for seed in range(200)]
    assert not any(evps[0].shares_keys_with(other) for other in evps[1:])
    assert not any(other.index_of_key(evps[0].entry(5).key) for other in evps[1:])
    emails = GeneratedSet(DONOR_ISPB, "EMAIL", 0, COUNT_MAX)
    assert not emails.shares_keys_with(GeneratedSet(DONOR_ISPB, "PHONE", 0, COUNT_MAX))


@pytest.mark.parametrize("count", [1, 3, LINES_AT_ONCE, LINES_AT_ONCE + 1])
def test_the_cids_in_memory_are_the_entries(count: int) -> None:
    of = GeneratedSet(DONOR_ISPB, "CNPJ", 5, count)
    cids = build(of, threading.Event())
    expected = [each.hex() for each in of.cids(0, count)]
    assert expected[-1] == of.entry(count - 1).cid
    assert cids.sync_verifier() == sync_verifier(expected)
    nothing = np.array([], dtype=np.uint32)
    assert b"".join(cids.lines(nothing)).decode().split("\n") == [*expected, ""]
    gone = np.array([0, count - 1], dtype=np.uint32)
    assert b"".join(cids.lines(gone)).decode().split() == expected[1 : count - 1]
    assert [cids.index_of(each) for each in expected[:50]] == list(range(min(50, count)))
    assert cids.index_of("0" * 64) is None
    assert cids.index_of("f" * 64) is None
    assert cids.index_of(expected[0][:16] + "0" * 48) is None


def test_building_ends_when_nobody_waits_for_it() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(BuildingStopped):
        build(GeneratedSet(DONOR_ISPB, "CPF", 5, COUNT_MAX), stop)
