"""What the verbs of `dictctl vsync` and `review` share: what is typed, and reading."""

from datetime import UTC, date, datetime, time
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer

from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import say
from dict_common.kernel.clock import from_rfc3339
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.participant import ispb
from dict_common.kernel.pix_key import KeyType
from vsync.application.sync_console import Opener, Row
from vsync.bootstrap import console

HELP = "dictctl vsync -h"
LIST = "dictctl vsync list"
ROWS_MAX = 100_000

_Word = TypeVar("_Word", bound=str)

Participant = Annotated[
    str, typer.Option("--participant", metavar="ISPB", help="all of ours if left out")
]
OfKeyType = Annotated[
    str, typer.Option("--key-type", metavar="TYPE", help="CPF, CNPJ, PHONE, EMAIL or EVP")
]
Limit = Annotated[int, typer.Option(min=1, max=ROWS_MAX, help="at most this many")]


def participant_in(text: str) -> str | None:
    """None for nothing. Raises CommandFailed."""
    try:
        return ispb(text, "--participant") if text else None
    except InputRefused as error:
        raise CommandFailed(Exit.USAGE, error.detail, HELP) from None


def key_type_in(text: str) -> KeyType | None:
    """None for nothing. Raises CommandFailed."""
    return word_in(text, tuple(KeyType), "--key-type")


def word_in(text: str, words: tuple[_Word, ...], option: str) -> _Word | None:
    """One of some words, in whatever case. Raises CommandFailed."""
    if not text:
        return None
    for word in words:
        if word == text.upper():
            return word
    raise CommandFailed(Exit.USAGE, f"{option} must be one of {', '.join(words)}", HELP)


def id_in(text: str, what: str, next_step: str = LIST) -> UUID:
    """Raises CommandFailed."""
    try:
        return UUID(text)
    except ValueError:
        raise CommandFailed(Exit.USAGE, f"{what} must be a UUID, not {text!r}", next_step) from None


def instant_in(text: str, option: str) -> datetime | None:
    """A date (its midnight, UTC) or a time with its zone. Raises CommandFailed."""
    if not text:
        return None
    found = from_rfc3339(text) or _midnight(text)
    if found is None:
        raise CommandFailed(
            Exit.USAGE,
            f"{option} must be a date or a time with its zone, such as 2026-01-31 or "
            f"2026-01-31T12:00:00Z, not {text!r}",
            HELP,
        )
    return found


async def read(what: str, *arguments: object) -> list[dict[str, Any]]:
    """Rows as operators may see them. Raises Unavailable."""
    async with console.open_reader() as reader:
        rows: list[dict[str, Any]] = await getattr(reader, what)(*arguments)
        return rows


def say_sealed(opener: Opener) -> None:
    """Why keys and values are not shown, where they are not."""
    if opener.closed:
        say(
            "what is sealed stays sealed: this console's DICT_KEYS_DIR has no rest.json and "
            "prf.json that open it, or it was erased; ask where the keysets are"
        )


def say_cut(rows: list[Row], limit: int) -> None:
    """That there may be more."""
    if len(rows) == limit:
        say(f"there may be more than {limit}: --limit")


def _midnight(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        return None
