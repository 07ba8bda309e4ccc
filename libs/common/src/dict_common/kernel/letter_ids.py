"""How a dead letter is named: by its message id, `ledger:entry:partition:batch`."""

import re
from dataclasses import dataclass
from typing import Self

from dict_common.kernel.errors import InputRefused

LETTER_UNREAD = "letter-unread"
"""Reason of Unavailable when it cannot be told whether a letter is there."""

LETTERS_MAX = 500
"""In one request: the list of them stays far below what a body may hold."""
RATE_MAX = 1_000
"""Letters a second, at most."""

_ID = re.compile(r"([0-9]{1,18}):([0-9]{1,18}):([0-9]{1,6}):(-1|[0-9]{1,9})")


@dataclass(frozen=True)
class LetterId:
    """A place on a topic. `batch` is -1 for a message that came alone, as letters of ours do."""

    ledger: int
    entry: int
    partition: int
    batch: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The id in `text`; two spellings of one id give equal ids. Raises InputRefused."""
        found = _ID.fullmatch(text)
        if found is None:
            raise InputRefused(
                "letter-id-invalid",
                "a letter is named ledger:entry:partition:batch, as `dictctl dlq list` shows it",
            )
        return cls(*(int(part) for part in found.groups()))

    def __str__(self) -> str:
        return f"{self.ledger}:{self.entry}:{self.partition}:{self.batch}"

    def after(self, other: "LetterId") -> bool:
        """Whether it lies behind another of the same partition."""
        mine = (self.ledger, self.entry, self.batch)
        return mine > (other.ledger, other.entry, other.batch)
