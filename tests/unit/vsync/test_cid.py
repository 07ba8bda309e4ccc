"""CID and VSync against Bacen's own vectors (A) and ours (B), and what must not give the same."""

import hmac
import unicodedata
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsync.domain.cid import CID_BYTES, EMPTY_VSYNC, CidAttributes, cid_of, toggled, vsync_of

A_REQUEST = UUID("01020304-0506-0708-090a-0b0c0d0e0f10")
A_TEXT = "PHONE&+5511987654321&11122233300&João Silva&&12345678&00001&0007654321&CACC"
A = bytes.fromhex("28c06eb41c4dc9c3ae114831efcac7446c8747777fca8b145ecd31ff8480ae88")
B_REQUEST = UUID("a946d533-7f22-42a5-9a9b-e87cd55c0f4d")
B_TEXT = "PHONE&+5561988880000&11122233300&João Silva&&12345678&0001&0007654321&CACC"
B = bytes.fromhex("11bc81ee9e1e04290bb98285eb59d6a0452fe853136ac6e69e0670b905704da7")
SECOND = bytes.fromhex("4d4abb9168114e349672b934d16ed201a919cb49e28b7f66a240e62c92ee007f")
THIRD = bytes.fromhex("fce514f84f37934bc8aa0f861e4f7392273d71b9d18e8209d21e4192a7842058")

cids = st.binary(min_size=CID_BYTES, max_size=CID_BYTES)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
attributes = st.builds(CidAttributes, *[texts] * len(CidAttributes._fields))


def _of(request_id: UUID, text: str) -> bytes:
    return cid_of(request_id, CidAttributes(*text.split("&")))


def test_bacens_vector_and_ours() -> None:
    assert _of(A_REQUEST, A_TEXT) == A
    assert _of(B_REQUEST, B_TEXT) == B


@pytest.mark.parametrize(
    ("request_id", "text", "begins"),
    [
        (UUID(bytes_le=B_REQUEST.bytes), B_TEXT, "089fba22"),
        (B_REQUEST, unicodedata.normalize("NFD", B_TEXT), "33c8c9c1"),
        (B_REQUEST, B_TEXT.replace("João Silva", "JOÃO SILVA"), "10a25f4e"),
        (B_REQUEST, B_TEXT.replace("&0001&", "&1&"), "848b80c6"),
    ],
    ids=["little-endian", "NFD text", "upper case", "branch 1"],
)
def test_nothing_is_normalised(request_id: UUID, text: str, begins: str) -> None:
    assert _of(request_id, text).hex().startswith(begins)


@given(st.uuids(), attributes)
def test_it_is_the_librarys_hmac(request_id: UUID, of: CidAttributes) -> None:
    assert cid_of(request_id, of) == hmac.digest(request_id.bytes, "&".join(of).encode(), "sha256")


def test_what_is_no_text_has_no_cid() -> None:
    with pytest.raises(UnicodeEncodeError):
        _of(B_REQUEST, B_TEXT.replace("João", "Jo\ud800"))


def test_personal_data_is_not_in_the_repr() -> None:
    shown = repr(CidAttributes(*B_TEXT.split("&")))
    assert not any(part in shown for part in ("5561988880000", "11122233300", "Silva", "7654321"))


def test_bacens_vsync() -> None:
    assert vsync_of([A, SECOND, THIRD]).hex() == (
        "996fc1dd3b6b14bcf0c9fe8320eb66d7e2a3fd874ccf767b2e939641b1ea8eaf"
    )
    assert vsync_of([A, THIRD]).hex() == (
        "d4257a4c537a5a8866bb47b7f185b4d64bba36ceae44091d8cd3706d23048ed0"
    )
    assert vsync_of([A, B]).hex() == (
        "397cef5a8253cdeaa5a8cab4049311e429a8af246ca04df2c0cb414681f0e32f"
    )
    assert vsync_of([]) == EMPTY_VSYNC == bytes.fromhex("0" * 64)


@given(
    st.lists(cids, max_size=6).flatmap(lambda all_: st.tuples(st.just(all_), st.permutations(all_)))
)
def test_a_vsync_knows_no_order_and_what_leaves_undoes_what_came(
    both: tuple[list[bytes], list[bytes]],
) -> None:
    came, left = both
    assert vsync_of(came) == vsync_of(left)
    assert toggled(vsync_of(came), *left) == EMPTY_VSYNC
    for cid in came:
        assert toggled(EMPTY_VSYNC, cid) == cid
