"""Keys of the cache: what the builder makes, and what can never become one."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dict_common.ports.cache import CachedResponse, CacheKey

ID = UUID("0192f0c1-2b3c-7d4e-8f90-a1b2c3d4e5f6")


def test_keys_are_spelled_as_everyone_spells_them() -> None:
    assert CacheKey.of("dict", "claim", ID, "status").text == f"dict:claim:{ID}:status"
    running = CacheKey.of("workflow", "claim", f"claim-{ID}", "status")
    assert running.text == f"workflow:claim:claim-{ID}:status"
    assert CacheKey.of("workflow", "vsync", "latest").text == "workflow:vsync:latest"
    assert CacheKey.of_hash("0f" * 32).text == f"dict:hash:{'0f' * 32}"


@pytest.mark.parametrize(
    "identifier",
    [
        str(ID),
        "12345678",
        "12ABC678",
        f"claim-{ID}",
        f"claim-{ID}-donor",
        f"claim-{ID}-donor-monitor",
        f"otp-{ID}",
        "vsync-12345678-2026-01-31-2",
        "vsync-12345678-PHONE",
        "latest",
    ],
)
def test_ids_of_ours_can_be_in_a_key(identifier: str) -> None:
    key = CacheKey.of("workflow", "vsync", identifier, "status")
    assert key.text == f"workflow:vsync:{identifier}:status"


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "+5561988880000",
        "5561988880000",
        "11122233300",
        "111.222.333-00",
        "12345678000195",
        "joao.silva@example.com",
        "João Silva",
        "joao",
        str(ID).upper(),
        f"claim-{ID}-11122233300",
        f"claim-{ID}-joao.silva@example.com",
        "claim-joao-silva",
        f"{ID}\n",
        f"{ID}:status",
        "a" * 300,
    ],
)
def test_nothing_personal_can_be_in_a_key_or_in_the_error(identifier: str) -> None:
    with pytest.raises(ValueError, match=r"CacheKey\.of") as failure:
        CacheKey.of("dict", "claim", identifier, "status")
    assert not identifier or identifier not in str(failure.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dict",
        "dict:claim",
        f"other:claim:{ID}:status",
        f"dict:joao:{ID}:status",
        f"dict:claim:{ID}:joao",
        f"dict:claim:{ID}:status:latest",
        f"dict::{ID}:status",
        "dict:hash:",
        f"dict:hash:{'0F' * 32}",
        f"dict:hash:{'0f' * 31}",
        f"dict::hash:{'0f' * 32}",
        f"workflow:hash:{'0f' * 32}",
        "dict:entry:PHONE:+5561988880000",
    ],
)
def test_a_key_made_by_hand_is_held_to_the_same_rules(text: str) -> None:
    with pytest.raises(ValueError, match="not a cache key"):
        CacheKey(text)


@given(st.text(st.sampled_from("0123456789:-.+@abfXclaimdict "), max_size=60))
def test_whatever_is_a_key_has_three_or_four_parts_and_no_long_run_of_digits(text: str) -> None:
    try:
        key = CacheKey(text)
    except ValueError:
        return
    assert 3 <= key.text.count(":") + 1 <= 4
    assert not set(key.text) & set("+@. ")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.booleans(), JSON)
def test_a_response_comes_back_as_it_was(is_error: bool, content: object) -> None:
    response = CachedResponse(is_error, content)
    assert CachedResponse.from_bytes(response.to_bytes()) == response


def test_the_envelope_is_the_seeds() -> None:
    good = CachedResponse(is_error=False, content={"status": "OPEN"})
    assert good.to_bytes() == b'{"is_error":false,"value":{"status":"OPEN"}}'
    bad = CachedResponse(is_error=True, content="ClaimKeyNotFound")
    assert bad.to_bytes() == b'{"is_error":true,"error":"ClaimKeyNotFound"}'


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"OPEN",
        b"[]",
        b"{}",
        b"\xff\xfe\x00",
        b'{"is_error":"no","value":1}',
        b'{"is_error":false,"error":1}',
        b'{"is_error":true,"value":1}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_envelope_is_no_response(data: bytes) -> None:
    assert CachedResponse.from_bytes(data) is None


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(TypeError):
        CachedResponse(is_error=False, content=ID).to_bytes()
    with pytest.raises(ValueError, match="JSON"):
        CachedResponse(is_error=False, content=float("nan")).to_bytes()
