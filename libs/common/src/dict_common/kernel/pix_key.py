"""A Pix key is valid if and only if Bacen's pattern says so (DICT API 2.12.1, schema Key).

Check-digit, phone and e-mail libraries refuse Bacen's own examples, so none is used.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from dict_common.kernel.errors import InputRefused


class KeyType(StrEnum):
    """Bacen's KeyType."""

    CPF = "CPF"
    CNPJ = "CNPJ"
    PHONE = "PHONE"
    EMAIL = "EMAIL"
    EVP = "EVP"


KEY_LENGTH_MAX = 77

_ATOM = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
PATTERNS: dict[KeyType, re.Pattern[str]] = {
    KeyType.CPF: re.compile(r"[0-9]{11}"),
    KeyType.CNPJ: re.compile(r"[a-zA-Z0-9]{14}"),
    KeyType.PHONE: re.compile(r"\+[1-9][0-9]{1,14}"),
    KeyType.EMAIL: re.compile(rf"[a-z0-9.!#$'*+/=?^_`{{|}}~-]+@{_ATOM}(?:\.{_ATOM})*"),
    KeyType.EVP: re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
}

_SHAPE = {
    KeyType.CPF: "eleven digits",
    KeyType.CNPJ: "fourteen letters or digits",
    KeyType.PHONE: "E.164, for example + and country code and number, no blanks",
    KeyType.EMAIL: "an e-mail address in lower case, at most 77 characters, without % and &",
    KeyType.EVP: "a UUID in lower case with hyphens",
}


@dataclass(frozen=True)
class PixKey:
    """A key with its type. The value is personal data: it is left out of `repr`."""

    type: KeyType
    value: str

    def __post_init__(self) -> None:
        """Raises InputRefused `key-invalid` where Bacen's pattern refuses the value."""
        fits = PATTERNS[self.type].fullmatch(self.value) is not None
        if not fits or len(self.value) > KEY_LENGTH_MAX:
            raise InputRefused(
                "key-invalid", f"a key of type {self.type} must be {_SHAPE[self.type]}"
            )

    def __repr__(self) -> str:
        return f"PixKey({self.type}, …)"
