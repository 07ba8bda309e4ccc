"""Bacen's side of VSYNC in memory: sets with their log, and files that fail as a test chooses."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from dict_common.kernel.clock import Clock
from dict_common.kernel.ids import IdSource
from dict_common.ports.directory import CallContext, DirectoryRefused, DirectoryUnreachable
from vsync.application.bacen import EVENTS_MAX, BacenEntry, CidFile
from vsync.application.entry_papers import EntryPapers
from vsync.domain.cid import EMPTY_VSYNC, toggled, vsync_of
from vsync.domain.cid_events import CidEvent, CidEventType, LogPage
from vsync.domain.entry import EntrySet

PIECE_BYTES = 100
"""Cuts files within their lines."""

Script = Callable[[str, CallContext], None]
"""Called with the operation's name before it acts; may raise what a Bridge would."""


class Logged(NamedTuple):
    """An event, and the set's VSync after it."""

    event: CidEvent
    vsync: bytes


@dataclass(frozen=True)
class FileTrouble:
    """What is wrong with files that are ordered from now on.

    `ends`: the status that a file ends in. `gone`: AVAILABLE, and yet 404. `cut_after_bytes`: the
    connection breaks there. `content`: what stands in it, if not the set; its size and digest are
    those of the set all the same, or `as_told` those of the content.
    """

    ends: str = "AVAILABLE"
    gone: bool = False
    cut_after_bytes: int | None = None
    content: bytes | None = None
    as_told: bool = False


SOUND = FileTrouble()


@dataclass
class _Ordered:
    file: CidFile
    of: EntrySet
    due: datetime
    trouble: FileTrouble
    content: bytes = b""


@dataclass
class InMemoryBacen:
    """Bacen, and the hands that change it. `calls` tells what was asked, in order.

    `lag`: the log shows events so late; verifications and files see them at once. `file_takes`:
    from the order to the file. `behind`: so far DICT's own clock is behind ours, in what its log
    says. `direct`: a participant and those that it may ask for.
    """

    clock: Clock
    new_id: IdSource
    lag: timedelta = timedelta(0)
    file_takes: timedelta = timedelta(seconds=10)
    behind: timedelta = timedelta(0)
    trouble: FileTrouble = SOUND
    direct: dict[str, frozenset[str]] = field(default_factory=dict)
    entries: dict[bytes, EntryPapers] = field(default_factory=dict)
    logs: dict[EntrySet, list[Logged]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    script: Script = lambda _operation, _context: None
    _files: dict[str, _Ordered] = field(default_factory=dict)
    _orders: dict[str, str] = field(default_factory=dict)

    def add(self, *papers: EntryPapers) -> None:
        """createEntry, or a claim that was completed."""
        for one in papers:
            self.entries[one.cid] = one
            self._log(CidEventType.ADDED, one)

    def remove(self, papers: EntryPapers) -> None:
        """deleteEntry, or a claim that was confirmed."""
        del self.entries[papers.cid]
        self._log(CidEventType.REMOVED, papers)

    def update(self, before: EntryPapers, **values: str) -> EntryPapers:
        """updateEntry: the RequestId stays."""
        after = replace(before, attributes=before.attributes._replace(**values))
        self.remove(before)
        self.add(after)
        return after

    def hide(self, hidden: EntryPapers) -> None:
        """Whoever asks whose its CID is, is refused."""

        def refuse(operation: str, context: CallContext) -> None:
            if operation == "GetEntryByCid" and hidden.cid.hex()[:24] in context.request_id:
                raise DirectoryRefused("Forbidden", 403, "No")

        self.script = refuse

    def vsync(self, of: EntrySet) -> bytes:
        """DICT's, now."""
        return vsync_of(self._cids(of))

    async def verify(self, of: EntrySet, vsync: bytes, context: CallContext) -> bool:
        """Against the present set."""
        self._enter("CreateSyncVerification", context)
        return self.vsync(of) == vsync

    async def request_file(self, of: EntrySet, context: CallContext) -> CidFile:
        """REQUESTED; the same order again is the same file."""
        if context.request_id not in self._orders:
            self._enter("RequestCidFile", context)
            id_ = str(self.new_id())
            due = self.clock.now() + self.file_takes
            self._files[id_] = _Ordered(CidFile(id_, "REQUESTED"), of, due, self.trouble)
            self._orders[context.request_id] = id_
        return replace(self._files[self._orders[context.request_id]].file, status="REQUESTED")

    async def file(self, file_id: str, participant: str, context: CallContext) -> CidFile:
        """Made at the first look after it is due."""
        self._enter("GetCidFile", context)
        ordered = self._known(file_id, participant)
        if ordered.file.status == "REQUESTED" and self.clock.now() >= ordered.due:
            self._make(ordered)
        return ordered.file

    async def download(
        self, file_id: str, participant: str, context: CallContext
    ) -> AsyncIterator[bytes]:
        """In pieces that are no lines."""
        self._enter("DownloadCidFile", context)
        ordered = self._known(file_id, participant)
        if ordered.trouble.gone or ordered.file.status != "AVAILABLE":
            raise DirectoryRefused("NotFound", 404, "No such file")
        cut = ordered.trouble.cut_after_bytes
        content = ordered.content if cut is None else ordered.content[:cut]
        for start in range(0, len(content), PIECE_BYTES):
            yield content[start : start + PIECE_BYTES]
        if cut is not None:
            raise DirectoryUnreachable("bridge-unreachable", "DownloadCidFile: UNAVAILABLE")

    async def events(
        self, of: EntrySet, since: datetime | None, limit: int, context: CallContext
    ) -> LogPage:
        """What the log shows by now."""
        self._enter("ListCidEvents", context)
        if not 1 <= limit <= EVENTS_MAX:
            raise DirectoryRefused("BadRequest", 400, "Limit")
        until = self.clock.now() - self.lag
        shown = [it for it in self.logs.get(of, []) if it.event.at <= until]
        before = [it.vsync for it in shown if since is not None and it.event.at < since]
        found = shown[len(before) :]
        page = found[:limit]
        stood = before[-1] if before else EMPTY_VSYNC
        return LogPage(
            tuple(it.event for it in page),
            page[0].vsync if page else stood,
            page[-1].vsync if page else stood,
            len(found) > limit,
        )

    async def entry_by_cid(
        self, cid: bytes, participant: str, context: CallContext
    ) -> BacenEntry | None:
        """For its holder, or who represents it."""
        self._enter("GetEntryByCid", context)
        papers = self.entries.get(cid)
        if papers is None:
            return None
        self._represents(participant, papers.attributes.participant)
        return BacenEntry(cid, papers, self.clock.now())

    async def create_entry(self, papers: EntryPapers, context: CallContext) -> datetime:
        """Once for a RequestId; a key that stands elsewhere is refused."""
        self._enter("CreateEntry", context)
        if papers.cid in self.entries:
            return self.clock.now()
        values = papers.attributes
        for other in (it.attributes for it in self.entries.values()):
            if (other.key_type, other.key) == (values.key_type, values.key):
                theirs = other.participant != values.participant
                name = "EntryKeyInCustodyOfDifferentParticipant" if theirs else "EntryAlreadyExists"
                raise DirectoryRefused(name, 400, "The key stands")
        self.add(papers)
        return self.clock.now()

    def _make(self, ordered: _Ordered) -> None:
        ordered.file = replace(ordered.file, status=ordered.trouble.ends)
        if ordered.trouble.ends != "AVAILABLE":
            return
        right = b"".join(cid.hex().encode() + b"\n" for cid in sorted(self._cids(ordered.of)))
        ordered.content = right if ordered.trouble.content is None else ordered.trouble.content
        told = ordered.content if ordered.trouble.as_told else right
        ordered.file = replace(
            ordered.file,
            creation_time=self.clock.now(),
            bytes=len(told),
            sha256=sha256(told).hexdigest(),
        )

    def _known(self, file_id: str, participant: str) -> _Ordered:
        ordered = self._files.get(file_id)
        if ordered is None:
            raise DirectoryRefused("NotFound", 404, "No such file")
        self._represents(participant, ordered.of.participant)
        return ordered

    def _represents(self, participant: str, holder: str) -> None:
        if holder not in self.direct.get(participant, frozenset()) | {participant}:
            raise DirectoryRefused("Forbidden", 403, "Not its holder")

    def _cids(self, of: EntrySet) -> Iterator[bytes]:
        return (cid for cid, papers in self.entries.items() if set_of(papers) == of)

    def _log(self, type_: CidEventType, papers: EntryPapers) -> None:
        log = self.logs.setdefault(set_of(papers), [])
        before = log[-1].vsync if log else EMPTY_VSYNC
        event = CidEvent(type_, papers.cid, self.clock.now() - self.behind)
        log.append(Logged(event, toggled(before, papers.cid)))

    def _enter(self, operation: str, context: CallContext) -> None:
        self.calls.append((operation, context.request_id))
        self.script(operation, context)


def set_of(papers: EntryPapers) -> EntrySet:
    """The set that an entry belongs to."""
    return EntrySet(papers.attributes.participant, papers.attributes.key_type)
