"""CID and VSync against Bacen's own vectors (A) and ours (B), and what must not give the same."""

import hashlib
import hmac
import unicodedata
from uuid import UUID

import pytest

from bridge_simulator.cid import EMPTY_VERIFIER, cid, entry_cid, sync_verifier, toggled
from tests.unit.bridge_simulator.dict_world import CLAIMER_ISPB, JOAO, PHONE, account

A_REQUEST = "01020304-0506-0708-090a-0b0c0d0e0f10"
A_TEXT = "PHONE&+5511987654321&11122233300&João Silva&&12345678&00001&0007654321&CACC"
A = "28c06eb41c4dc9c3ae114831efcac7446c8747777fca8b145ecd31ff8480ae88"
B_REQUEST = "a946d533-7f22-42a5-9a9b-e87cd55c0f4d"
B_TEXT = "PHONE&+5561988880000&11122233300&João Silva&&12345678&0001&0007654321&CACC"
B = "11bc81ee9e1e04290bb98285eb59d6a0452fe853136ac6e69e0670b905704da7"
SECOND = "4d4abb9168114e349672b934d16ed201a919cb49e28b7f66a240e62c92ee007f"
THIRD = "fce514f84f37934bc8aa0f861e4f7392273d71b9d18e8209d21e4192a7842058"


def _of(request_id: str, text: str) -> str:
    return cid(request_id, tuple(text.split("&")))


def test_bacens_vector() -> None:
    assert _of(A_REQUEST, A_TEXT) == A


def test_our_vector_from_attributes_and_from_an_entry() -> None:
    assert _of(B_REQUEST, B_TEXT) == B
    assert entry_cid(B_REQUEST, "PHONE", PHONE, JOAO, account(CLAIMER_ISPB)) == B


@pytest.mark.parametrize(
    ("request_id", "text", "begins"),
    [
        (str(UUID(bytes_le=UUID(B_REQUEST).bytes)), B_TEXT, "089fba22"),
        (B_REQUEST, unicodedata.normalize("NFD", B_TEXT), "33c8c9c1"),
        (B_REQUEST, B_TEXT.replace("João Silva", "JOÃO SILVA"), "10a25f4e"),
        (B_REQUEST, B_TEXT.replace("&0001&", "&1&"), "848b80c6"),
    ],
    ids=["little-endian", "NFD text", "upper case", "branch 1"],
)
def test_what_must_differ(request_id: str, text: str, begins: str) -> None:
    assert _of(request_id, text).startswith(begins)


def test_the_uuids_text_is_not_the_key() -> None:
    of_text = hmac.new(B_REQUEST.encode(), B_TEXT.encode(), hashlib.sha256).hexdigest()
    assert of_text.startswith("0a347214")
    assert of_text != _of(B_REQUEST, B_TEXT)


def test_an_absent_branch_keeps_its_separator() -> None:
    absent = entry_cid(B_REQUEST, "PHONE", PHONE, JOAO, account(CLAIMER_ISPB, branch=None))
    assert absent == _of(B_REQUEST, B_TEXT.replace("&0001&", "&&"))


def test_bacens_vsync() -> None:
    assert sync_verifier([A, SECOND, THIRD]) == (
        "996fc1dd3b6b14bcf0c9fe8320eb66d7e2a3fd874ccf767b2e939641b1ea8eaf"
    )
    assert sync_verifier([A, THIRD]) == (
        "d4257a4c537a5a8866bb47b7f185b4d64bba36ceae44091d8cd3706d23048ed0"
    )
    assert sync_verifier([A, B]) == (
        "397cef5a8253cdeaa5a8cab4049311e429a8af246ca04df2c0cb414681f0e32f"
    )


def test_vsync_of_nothing_and_back_to_nothing() -> None:
    assert sync_verifier([]) == EMPTY_VERIFIER == "0" * 64
    assert toggled(toggled(EMPTY_VERIFIER, A), A) == EMPTY_VERIFIER
