"""Bacen's patterns and nothing else decide whether a key is one."""

import pytest

from dict_common.kernel.errors import InputRefused
from dict_common.kernel.pix_key import KeyType, PixKey

GOOD = [
    (KeyType.CPF, "11122233300"),
    (KeyType.CNPJ, "12345678901234"),
    (KeyType.CNPJ, "12ABC34501DE35"),
    (KeyType.CNPJ, "12abc34501de35"),
    (KeyType.PHONE, "+5561988880000"),
    (KeyType.PHONE, "+12"),
    (KeyType.EMAIL, "joao.silva@example.com"),
    (KeyType.EMAIL, "a!#$'*+/=?^_`{|}~-@x"),
    (KeyType.EMAIL, "a@" + "b" * 63 + ".br"),
    (KeyType.EVP, "123e4567-e89b-12d3-a456-426655440000"),
]
BAD = [
    (KeyType.CPF, "1112223330"),
    (KeyType.CPF, "111.222.333-00"),
    (KeyType.CPF, "11122233300\n"),
    (KeyType.CPF, "١١١٢٢٢٣٣٣٠٠"),
    (KeyType.CNPJ, "1234567890123"),
    (KeyType.PHONE, "5561988880000"),
    (KeyType.PHONE, "+05561988880000"),
    (KeyType.PHONE, "+1"),
    (KeyType.PHONE, "+5561988880000123"),
    (KeyType.EMAIL, "Joao@example.com"),
    (KeyType.EMAIL, "a%b@example.com"),
    (KeyType.EMAIL, "a&b@example.com"),
    (KeyType.EMAIL, "a@-example.com"),
    (KeyType.EMAIL, "a" * 70 + "@b.com.br"),
    (KeyType.EVP, "123E4567-E89B-12D3-A456-426655440000"),
    (KeyType.EVP, ""),
]


@pytest.mark.parametrize(("key_type", "value"), GOOD)
def test_key_that_fits_is_one(key_type: KeyType, value: str) -> None:
    assert PixKey(key_type, value).value == value


@pytest.mark.parametrize(("key_type", "value"), BAD)
def test_key_that_does_not_fit_is_refused_without_being_told(key_type: KeyType, value: str) -> None:
    with pytest.raises(InputRefused) as refused:
        PixKey(key_type, value)
    assert refused.value.reason_code == "key-invalid"
    assert value == "" or value not in refused.value.detail


def test_repr_keeps_the_value_to_itself() -> None:
    assert "5561988880000" not in repr(PixKey(KeyType.PHONE, "+5561988880000"))
