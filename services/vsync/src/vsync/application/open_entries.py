"""Values of entries in clear: told of before they are shown - by whom, why, and of how many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from dict_common.intake.events import CausedBy, OperatorActed, only_event
from dict_common.intake.operators import REASON_CHARACTERS_MAX
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.ids import IdSource
from dict_common.kernel.personal import looks_personal
from dict_common.ports.outgoing import EventComposer, OutgoingEvent
from vsync.application.telling import SOURCE

VERB = "ENTRIES_OPEN"
REASON_CHARACTERS_MIN = 8
"""A ticket's number, at least: whoever reads the audit shall understand it."""


class Acts(Protocol):
    """What operators did that changes nothing else."""

    async def add(self, events: Sequence[OutgoingEvent]) -> None:
        """Durable when it returns. Raises Unavailable."""


@dataclass(frozen=True)
class OpenOrder:
    """Who opens what, and why. `operator` and `reason` are kept for ever and in clear."""

    operator: str
    reason: str
    target_type: str
    target_id: UUID
    asked_at: datetime


class OpenEntries:
    """The use case."""

    def __init__(self, acts: Acts, composer: EventComposer, new_id: IdSource) -> None:
        self._acts = acts
        self._composer = composer
        self._new_id = new_id

    async def __call__(self, order: OpenOrder, opened: int) -> None:
        """Tells of it: nothing is to be shown before this returns. Raises Unavailable."""
        request_id = self._new_id()
        event = OperatorActed(
            request_id=str(request_id),
            verb=VERB,
            target_type=order.target_type,
            target_id=str(order.target_id),
            operator=order.operator,
            reason=order.reason,
            outcome="opened",
            dry_run=False,
            acted_at=order.asked_at,
            opened=opened,
        )
        cause = CausedBy(SOURCE, request_id, None, None)
        await self._acts.add(
            await self._composer.compose(
                only_event(event, "operator-action", request_id, order.asked_at, cause)
            )
        )


def reason_of(text: str) -> str:
    """The reason, without blanks around it. Raises InputRefused."""
    reason = text.strip()
    if not REASON_CHARACTERS_MIN <= len(reason) <= REASON_CHARACTERS_MAX:
        raise InputRefused(
            "reason-invalid",
            f"a reason has {REASON_CHARACTERS_MIN} to {REASON_CHARACTERS_MAX} characters, not "
            f"{len(reason)}: name the ticket",
        )
    if not reason.isprintable() or looks_personal(reason):
        raise InputRefused(
            "reason-invalid",
            "a reason is kept for ever and in clear: printable characters, no phone, tax id or "
            "e-mail",
        )
    return reason
