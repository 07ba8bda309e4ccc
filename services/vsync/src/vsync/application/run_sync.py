"""The command `vsync.run`: a run now, for one participant of ours or for all of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from dict_common.kernel.errors import InputRefused
from dict_common.kernel.fields import instant, member, optional, text
from dict_common.kernel.participant import ispb
from dict_common.ports.inbox import CommandInbox, Delivery, InboxKey, Seen, command_id_reused
from vsync.application.sync_process import VSyncInput, number_of, participant_workflow_id
from vsync.domain.sync_run import SyncType

RUN_SUBSCRIPTION = "vsync.vsync-run"
"""To `vsync.run`; the inbox knows its consumer by it."""
ALL = "all"
"""The topic key of a run for all participants."""


class RunInbox(CommandInbox, Protocol):
    """The inbox of commands that change no table of ours."""

    async def take(self, command: InboxKey) -> None:
        """Opens the row, or finds it. Raises InputRefused `command-id-reused`."""


class SyncProcess(Protocol):
    """Runs, as they are started."""

    async def start(self, workflow_id: str, asked: VSyncInput) -> None:
        """Success too where it runs or has ended. Raises Unavailable."""


class RunSync:
    """The use case of the consumer."""

    def __init__(self, inbox: RunInbox, process: SyncProcess, participants: frozenset[str]) -> None:
        self._inbox = inbox
        self._process = process
        self._participants = participants

    async def __call__(self, delivery: Delivery, record: Mapping[str, object]) -> None:
        """Done once, however often it is called. Raises InputRefused, Unavailable."""
        seen = await self._inbox.seen(delivery.key)
        if seen is Seen.SETTLED:
            return
        if seen is Seen.OTHER_CONTENT:
            raise command_id_reused()
        asked = self._asked(delivery, record)
        await self._inbox.take(delivery.key)
        day, number = delivery.published_at.date(), number_of(delivery.key.command_id)
        for one in asked:
            id_ = participant_workflow_id(one.participant_ispb, day, number)
            await self._process.start(id_, one)
        await self._inbox.settle(delivery.key, f"started:{len(asked)}")

    def _asked(self, delivery: Delivery, record: Mapping[str, object]) -> list[VSyncInput]:
        sync_type = member(SyncType, record, "sync_type")
        named = optional(record, "participant")
        chosen = sorted(self._participants)
        if named is not None:
            one = ispb(text(record, "participant"), "participant")
            if one not in self._participants:
                raise InputRefused(
                    "participant-unknown",
                    f"{one} is none of ours: add it to VSYNC_PARTICIPANTS, or leave it empty for "
                    "all",
                )
            chosen = [one]
        if delivery.envelope.subject != (ALL if named is None else chosen[0]):
            raise InputRefused(
                "subject-differs", f"ce_subject must be the participant of the body, or {ALL}"
            )
        since = self._since(delivery, record)
        return [VSyncInput(it, sync_type, since) for it in chosen]

    def _since(self, delivery: Delivery, record: Mapping[str, object]) -> datetime | None:
        if optional(record, "last_sync_date") is None:
            return None
        since = instant(record, "last_sync_date")
        if since > delivery.published_at:
            raise InputRefused("last-sync-date-invalid", "last_sync_date must be in the past")
        return since
