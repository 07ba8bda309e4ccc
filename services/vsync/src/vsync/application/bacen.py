"""Bacen's side of VSYNC, as the use cases ask for it through the Bridge (bacen-dict 3.3).

Every call may block for the Bridge's answer and raises one of:
- `DirectoryRefused`: DICT answered with a problem document (an effect is ruled out),
- `DirectoryUnreachable`: no answer, so the outcome is unknown,
- `AnswerInvalid`: the answer breaks the Bridge's own contract (a CID that is none): nothing of it
  may be used.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dict_common.kernel.errors import DictError
from dict_common.ports.directory import CallContext, DirectoryRefused
from vsync.application.entry_papers import EntryPapers
from vsync.domain.cid_events import LogPage
from vsync.domain.entry import EntrySet

EVENTS_MAX = 200
"""Of one page, by Bacen's rule."""


@dataclass(frozen=True)
class CidFile:
    """A file of a set's CIDs. `status` stays as Bacen wrote it: REQUESTED, PROCESSING, AVAILABLE,
    UNAVAILABLE, ERROR; new ones may come. The rest is None until it is AVAILABLE."""

    id: str
    status: str
    creation_time: datetime | None = None
    bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class BacenEntry:
    """An entry as DICT had it at `seen_at` (ResponseTime), with the RequestId of its CID."""

    cid: bytes
    papers: EntryPapers
    seen_at: datetime


class Bacen(Protocol):
    """DICT, as far as VSYNC needs it."""

    async def verify(self, of: EntrySet, vsync: bytes, context: CallContext) -> bool:
        """createSyncVerification: whether DICT's present VSync is `vsync`."""

    async def request_file(self, of: EntrySet, context: CallContext) -> CidFile:
        """Orders a file: one token of the 40 a day, so sent once under its request_id."""

    async def file(self, file_id: str, participant: str, context: CallContext) -> CidFile:
        """What has become of a file."""

    def download(
        self, file_id: str, participant: str, context: CallContext
    ) -> AsyncIterator[bytes]:
        """The bytes of an AVAILABLE file, in pieces cut anywhere."""

    async def events(
        self, of: EntrySet, since: datetime | None, limit: int, context: CallContext
    ) -> LogPage:
        """A page of the set's log from `since` on, inclusive; None: from its beginning."""

    async def entry_by_cid(
        self, cid: bytes, participant: str, context: CallContext
    ) -> BacenEntry | None:
        """The entry that has this CID now; None where none has."""

    async def create_entry(self, papers: EntryPapers, context: CallContext) -> datetime:
        """createEntry of what DICT has lost, Reason RECONCILIATION, under the papers' RequestId: by
        it a repeat is answered as the first was. `papers.opening_date` is there. DICT's time."""


RATE_LIMITED, CONFLICT, SERVER_TROUBLE = 429, 409, 500
REASON_MAX = 60
"""Characters of a reason that a table keeps: DICT's problem types come from outside."""


def passes(error: DictError) -> bool:
    """Whether another look may be answered otherwise: not a 4xx of DICT but 429 and 409, and not an
    answer that contradicts itself."""
    if isinstance(error, DirectoryRefused):
        status = error.http_status
        return status in (RATE_LIMITED, CONFLICT) or status >= SERVER_TROUBLE
    return not isinstance(error, AnswerInvalid)


class AnswerInvalid(DictError):
    """The Bridge answered something that its contract rules out."""

    def __init__(self, detail: str) -> None:
        super().__init__("answer-invalid", detail)
