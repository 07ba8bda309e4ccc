"""Entries made from a seed: a participant's set of millions, of which nothing is stored.

A format: benchmarks and tests write the same entries as the participant's own base. Of one
(seed, participant, key type, index) every release makes the same entry, and its CID with it. No
name is a real person's, no phone rings (there is no area 20), no mail arrives.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from uuid import UUID

from bridge_simulator.cid import cid_bytes
from bridge_simulator.records import Account, Entry, Owner

COUNT_MAX = 5_000_000
"""Of one set. Entries of the same seed from there on never meet those of the set."""
FIRST_CREATION = datetime(2020, 11, 16, 12, 0, tzinfo=UTC)
OPENING_DATE = datetime(2015, 1, 2, 3, 0, tzinfo=UTC)

_NUMBERS = 1_000_000_000
_STEP = 618_033_989
"""Neighbours get keys that lie far apart. It has no factor in common with `_NUMBERS`."""
_STEP_BACK = pow(_STEP, -1, _NUMBERS)
ACCOUNT_TYPES = ("CACC", "SVGS", "TRAN", "SLRY")
_KEY_TYPE_DIGITS = {"CPF": "1", "CNPJ": "2", "PHONE": "3", "EMAIL": "4", "EVP": "5"}
_NUMBER_IN_KEY = {
    "CPF": slice(0, 9),
    "CNPJ": slice(0, 12),
    "PHONE": slice(5, None),
    "EMAIL": slice(7, 16),
    "EVP": slice(0, 8),
}


def entry_of(seed: int, participant: str, key_type: str, index: int) -> Entry:
    """The entry number `index`, from 0, of a generated set: values, RequestId and CID.

    `seed` is 0 to 2^64 - 1, `key_type` one of Bacen's five, `index` below 10^9.
    """
    return GeneratedSet(participant, key_type, seed, COUNT_MAX).entry(index)


@dataclass(frozen=True)
class GeneratedSet:
    """The first `count` entries of a seed in one set."""

    participant: str
    key_type: str
    seed: int
    count: int

    def entry(self, index: int) -> Entry:
        """The whole entry; the index may lie beyond the count."""
        request_id, attributes = self._made(index)
        _, key, tax_id, name, trade_name, participant, branch, number, account_type = attributes
        created = FIRST_CREATION + timedelta(seconds=index)
        return Entry(
            key=key,
            key_type=self.key_type,
            account=Account(participant, branch or None, number, account_type, OPENING_DATE),
            owner=Owner(self._owner_type, tax_id, name, trade_name or None),
            creation_date=created,
            key_ownership_date=created,
            request_id=str(UUID(bytes=request_id)),
            cid=cid_bytes(request_id, attributes).hex(),
        )

    def cids(self, start: int, stop: int) -> Iterator[bytes]:
        """32 bytes for each index of the range, in its order."""
        for index in range(start, stop):
            yield cid_bytes(*self._made(index))

    def index_of_key(self, key: str) -> int | None:
        """Which entry of the set, by its index, has this key."""
        digits = key[_NUMBER_IN_KEY[self.key_type]]
        try:
            number = int(digits, 16 if self.key_type == "EVP" else 10)
        except ValueError:
            return None
        index = (number * _STEP_BACK - self._offset) % _NUMBERS
        return index if index < self.count and self._key(self._number(index)) == key else None

    def index_of_account(self, account: Account) -> int | None:
        """Which entry of the set stands on this account: each has its own."""
        digits = account.account_number
        if account.participant != self.participant or len(digits) != 10 or not digits.isdecimal():
            return None
        index = int(digits[1:])
        if index >= self.count or account.account_number != self._account_number(index):
            return None
        return index if account.branch == (_branch(index) or None) else None

    def shares_keys_with(self, other: "GeneratedSet") -> bool:
        """Whether a key stands in both."""
        if self.key_type != other.key_type or self.key_type == "EVP":
            return False  # an EVP carries the mark of its set
        ahead = (other._offset - self._offset) % _NUMBERS
        return ahead < self.count or _NUMBERS - ahead < other.count

    @cached_property
    def _mark(self) -> bytes:
        return sha256(f"{self.seed}/{self.participant}/{self.key_type}".encode()).digest()

    @cached_property
    def _offset(self) -> int:
        return int.from_bytes(self._mark[:8], "big") % _NUMBERS

    @cached_property
    def _evp_rest(self) -> str:
        mark = self._mark.hex()
        return f"-{mark[:4]}-4{mark[4:7]}-8{mark[7:10]}-{mark[10:22]}"

    @cached_property
    def _owner_type(self) -> str:
        return "LEGAL_PERSON" if self.key_type == "CNPJ" else "NATURAL_PERSON"

    def _made(self, index: int) -> tuple[bytes, tuple[str, ...]]:
        """RequestId and the nine attributes of the CID."""
        made = bytearray(sha256(self._mark + index.to_bytes(8, "big")).digest()[:16])
        made[6] = made[6] & 0x0F | 0x40
        made[8] = made[8] & 0x3F | 0x80
        number = self._number(index)
        key = self._key(number)
        if self.key_type == "CNPJ":
            tax_id, name = key, f"Empresa {index + 1:07d}"
            trade_name = f"Comércio {index + 1:07d}" if index % 2 else ""
        else:
            tax_id, trade_name = f"{number:09d}00", ""
            name = f"{'Cidadã' if index % 3 else 'Pessoa'} {index + 1:07d}"
        return bytes(made), (
            self.key_type,
            key,
            tax_id,
            name,
            trade_name,
            self.participant,
            _branch(index),
            self._account_number(index),
            ACCOUNT_TYPES[index % 4],
        )

    def _number(self, index: int) -> int:
        return (self._offset + index) * _STEP % _NUMBERS

    def _key(self, number: int) -> str:
        match self.key_type:
            case "CPF":
                return f"{number:09d}00"
            case "CNPJ":
                return f"{number:012d}00"
            case "PHONE":
                return f"+5520{number:09d}"
            case "EMAIL":
                return f"pessoa.{number:09d}@example.com"
            case _:
                return f"{number:08x}{self._evp_rest}"

    def _account_number(self, index: int) -> str:
        return f"{_KEY_TYPE_DIGITS[self.key_type]}{index:09d}"


def _branch(index: int) -> str:
    return f"{index % 9999 + 1:04d}" if index % 10 else ""
