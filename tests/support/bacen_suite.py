"""The exam that Bacen passes, fake and adapter alike."""

from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID, uuid4

import pytest

from dict_common.ports.directory import CallContext, DirectoryRefused
from tests.support.bacen_fakes import set_of
from vsync.application.bacen import Bacen
from vsync.application.entry_papers import EntryPapers
from vsync.domain.cid import EMPTY_VSYNC, CidAttributes, vsync_of
from vsync.domain.cid_events import CidEventType, CidLog
from vsync.domain.entry import EntrySet

PARTICIPANT = "12345678"
STRANGER = "11111111"
PHONES = EntrySet(PARTICIPANT, "PHONE")
MINUTE = 60.0


def papers(number: int, **values: str) -> EntryPapers:
    """An entry of PHONES, unless told otherwise."""
    person = CidAttributes(
        key_type="PHONE",
        key=f"+55619888{number:05}",
        tax_id=f"{11122233300 + number}",
        name="João Silva",
        trade_name="",
        participant=PARTICIPANT,
        branch="0001",
        account_number=f"{number:010}",
        account_type="CACC",
    )
    return EntryPapers(UUID(int=number, version=4), person._replace(**values))


def call(request_id: str | None = None) -> CallContext:
    """A call of its own."""
    return CallContext(request_id or f"vsync-{uuid4()}:Test:1", correlation_id="c")


async def downloaded(bacen: Bacen, file_id: str) -> bytes:
    """All of a file."""
    return b"".join([piece async for piece in bacen.download(file_id, PARTICIPANT, call())])


class BacenSuite(ABC):
    """Subclasses make a DICT whose sets are empty, and change it as others would."""

    @abstractmethod
    async def bacen(self) -> Bacen:
        """The port."""

    @abstractmethod
    async def add(self, entry: EntryPapers) -> None:
        """DICT registers it."""

    @abstractmethod
    async def remove(self, entry: EntryPapers) -> None:
        """DICT deletes it."""

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Time passes."""

    async def _added(self, *numbers: int) -> list[EntryPapers]:
        """Each at an instant of its own."""
        made = [papers(number) for number in numbers]
        for one in made:
            self.wait(1)
            await self.add(one)
        return made

    async def test_a_vsync_is_compared_with_the_present_set(self) -> None:
        bacen = await self.bacen()
        assert await bacen.verify(PHONES, EMPTY_VSYNC, call())
        one, two = await self._added(1, 2)
        assert await bacen.verify(PHONES, vsync_of((one.cid, two.cid)), call())
        assert not await bacen.verify(PHONES, one.cid, call())
        assert await bacen.verify(EntrySet(PARTICIPANT, "EMAIL"), EMPTY_VSYNC, call())

    async def test_a_file_is_made_after_its_order_and_proves_itself(self) -> None:
        bacen = await self.bacen()
        added = await self._added(1, 2, 3)
        ordered = await bacen.request_file(PHONES, call())
        assert (ordered.status, ordered.sha256) == ("REQUESTED", None)
        waiting = await bacen.file(ordered.id, PARTICIPANT, call())
        assert (waiting.id, waiting.status) == (ordered.id, "REQUESTED")
        self.wait(MINUTE)
        made = await bacen.file(ordered.id, PARTICIPANT, call())
        assert (made.status, made.creation_time is None) == ("AVAILABLE", False)
        content = await downloaded(bacen, ordered.id)
        assert (made.bytes, made.sha256) == (len(content), sha256(content).hexdigest())
        assert content.endswith(b"\n")
        assert sorted(content.split()) == sorted(it.cid.hex().encode() for it in added)

    async def test_an_empty_set_has_an_empty_file(self) -> None:
        bacen = await self.bacen()
        ordered = await bacen.request_file(PHONES, call())
        self.wait(MINUTE)
        assert (await bacen.file(ordered.id, PARTICIPANT, call())).bytes == 0
        assert await downloaded(bacen, ordered.id) == b""

    async def test_an_order_is_sent_once_under_its_request_id(self) -> None:
        bacen, same = await self.bacen(), call("vsync-x:RequestCidFile:1")
        first = await bacen.request_file(PHONES, same)
        assert await bacen.request_file(PHONES, same) == first
        assert (await bacen.request_file(PHONES, call())).id != first.id

    async def test_a_file_that_is_not_there_and_one_of_others(self) -> None:
        bacen = await self.bacen()
        ordered = await bacen.request_file(PHONES, call())
        with pytest.raises(DirectoryRefused, match="NotFound"):
            await bacen.file(str(uuid4()), PARTICIPANT, call())
        with pytest.raises(DirectoryRefused, match="NotFound"):
            await downloaded(bacen, ordered.id)
        with pytest.raises(DirectoryRefused, match="Forbidden"):
            await bacen.file(ordered.id, STRANGER, call())

    async def test_pages_of_the_log_lead_to_the_vsync(self) -> None:
        bacen, log = await self.bacen(), CidLog()
        one, two, three = await self._added(1, 2, 3)
        self.wait(1)
        await self.remove(one)
        self.wait(MINUTE)
        pages = 1
        while log.add(await bacen.events(PHONES, log.until, 2, call())):
            pages += 1
        assert (pages, log.count) == (3, 4)
        assert log.active == {two.cid, three.cid}
        assert log.gone == {one.cid}
        assert log.vsync == vsync_of((two.cid, three.cid))

    async def test_the_log_is_asked_from_an_instant_on_inclusive(self) -> None:
        bacen = await self.bacen()
        one, two = await self._added(1, 2)
        self.wait(MINUTE)
        whole = await bacen.events(PHONES, None, 200, call())
        assert [(it.type, it.cid) for it in whole.events] == [
            (CidEventType.ADDED, one.cid),
            (CidEventType.ADDED, two.cid),
        ]
        later = await bacen.events(PHONES, whole.events[1].at, 200, call())
        assert (later.events, later.has_more) == (whole.events[1:], False)
        assert later.vsync_first == later.vsync_last == vsync_of((one.cid, two.cid))

    async def test_a_log_without_events_tells_what_stood_before(self) -> None:
        bacen = await self.bacen()
        nothing = await bacen.events(PHONES, None, 200, call())
        assert (nothing.events, nothing.vsync_first, nothing.has_more) == ((), EMPTY_VSYNC, False)
        (one,) = await self._added(1)
        self.wait(MINUTE)
        last = (await bacen.events(PHONES, None, 200, call())).events[-1].at
        self.wait(MINUTE)
        (two,) = await self._added(2)
        self.wait(MINUTE)
        after = (await bacen.events(PHONES, None, 200, call())).events[-1].at
        quiet = await bacen.events(PHONES, after + (after - last), 200, call())
        assert (quiet.events, quiet.vsync_last) == ((), vsync_of((one.cid, two.cid)))

    async def test_a_page_holds_so_many_events_and_no_more(self) -> None:
        bacen = await self.bacen()
        for limit in (0, 201):
            with pytest.raises(DirectoryRefused, match="BadRequest"):
                await bacen.events(PHONES, None, limit, call())

    async def test_an_entry_is_found_by_its_cid_with_its_request_id(self) -> None:
        bacen = await self.bacen()
        company = {"tax_id": "11222333000181", "trade_name": "Exemplo", "branch": ""}
        person, firm = papers(1), papers(2, name="Empresa Exemplo Ltda", **company)
        for one in (person, firm):
            await self.add(one)
            found = await bacen.entry_by_cid(one.cid, PARTICIPANT, call())
            assert found is not None
            # The account's opening date is DICT's to tell: it is no part of a CID.
            read = replace(found.papers, opening_date=None)
            assert (found.cid, read) == (one.cid, one)
            assert found.seen_at.tzinfo is not None
            assert set_of(found.papers) == PHONES

    async def test_a_cid_that_nobody_has_now(self) -> None:
        bacen = await self.bacen()
        (gone,) = await self._added(1)
        await self.remove(gone)
        assert await bacen.entry_by_cid(gone.cid, PARTICIPANT, call()) is None
        assert await bacen.entry_by_cid(bytes(32), PARTICIPANT, call()) is None

    async def test_an_entry_of_others_is_refused(self) -> None:
        bacen = await self.bacen()
        (one,) = await self._added(1)
        with pytest.raises(DirectoryRefused, match="Forbidden") as refused:
            await bacen.entry_by_cid(one.cid, STRANGER, call())
        assert one.attributes.name not in str(refused.value)

    async def test_what_dict_has_lost_is_registered_again_once(self) -> None:
        bacen = await self.bacen()
        lost = replace(papers(3), opening_date=datetime(2020, 1, 1, tzinfo=UTC))
        request = call()
        for _ in range(2):
            at = await bacen.create_entry(lost, request)
            assert at.tzinfo is not None
        assert await bacen.verify(PHONES, vsync_of([lost.cid]), call())
        stranger = replace(lost, request_id=uuid4())
        with pytest.raises(DirectoryRefused, match="EntryAlreadyExists"):
            await bacen.create_entry(stranger, call())
