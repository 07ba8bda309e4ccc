"""`--reason`: values in clear, for an operator who says why, and whom the audit remembers."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer

from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.publishing import operator_token
from dict_common.kernel.clock import SystemClock
from dict_common.kernel.errors import InputRefused
from vsync.application.open_entries import OpenOrder, reason_of
from vsync.application.sync_console import Opener, Row
from vsync.application.sync_report import opened_of
from vsync.bootstrap import console

RUN, ENTRY = "vsync-run", "entry"

Reason = Annotated[
    str | None,
    typer.Option(
        "--reason",
        "--why",
        help="shows values in clear; who, why and of how many entries stays in the audit for ever",
    ),
]


class Opening:
    """An operator who may see values, as far as the token says who it is."""

    def __init__(self, operator: str, reason: str) -> None:
        self._operator = operator
        self._reason = reason

    async def tell(self, target_type: str, target_id: UUID, rows: Sequence[Row]) -> None:
        """Before `rows`, which hold values in clear, are shown. Raises Unavailable."""
        order = OpenOrder(self._operator, self._reason, target_type, target_id, SystemClock().now())
        async with console.open_entries() as open_entries:
            await open_entries(order, opened_of(rows))


def opening(reason: str | None, opener: Opener, help_: str) -> Opening | None:
    """None without a reason: values are masked. Raises CommandFailed, ConfigurationInvalid."""
    if reason is None:
        return None
    try:
        words = reason_of(reason)
        operator = console.operator_of(operator_token(), SystemClock().now())
    except InputRefused as error:
        raise CommandFailed(Exit.USAGE, f"{error.reason_code}: {error.detail}", help_) from None
    if not opener.has_keysets:
        raise CommandFailed(
            Exit.USAGE,
            "nothing can be opened: the folder DICT_KEYS_DIR of this console has no rest.json and "
            "prf.json",
            help_,
        )
    return Opening(operator, words)
