"""Between VSYNC's words and the Bridge's protobuf: what comes in is checked, and only then used.

Every function that reads raises AnswerInvalid, naming the field and the rule, never a value.
"""

import re
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from dict_schemas.generated.dict.bridge.v1 import bridge_pb2 as pb
from vsync.application.bacen import AnswerInvalid, BacenEntry, CidFile
from vsync.application.entry_papers import EntryPapers
from vsync.domain.cid import CidAttributes
from vsync.domain.cid_events import CidEvent, CidEventType, LogPage

AVAILABLE = "AVAILABLE"
CNPJ_CHARACTERS = 14
FILE_ID_CHARACTERS_MAX = 64
_DIGEST = re.compile(r"[0-9a-f]{64}")
_EVENT_TYPES = frozenset(CidEventType)


def require(condition: bool, rule: str) -> None:
    """Raises AnswerInvalid with the rule unless the answer keeps it."""
    if not condition:
        raise AnswerInvalid(rule)


def timestamp(instant: datetime) -> Timestamp:
    """An instant for the Bridge."""
    stamp = Timestamp()
    stamp.FromDatetime(instant.astimezone(UTC))
    return stamp


def cid_file(file: pb.CidFile) -> CidFile:
    """A file of CIDs; one that is AVAILABLE says how it is proven."""
    require(0 < len(file.id) <= FILE_ID_CHARACTERS_MAX, "a file has an id of 64 characters at most")
    if file.status != AVAILABLE:
        return CidFile(file.id, file.status)
    require(file.HasField("bytes"), "an AVAILABLE file tells its bytes")
    digest = file.sha256.lower()
    require(_DIGEST.fullmatch(digest) is not None, "an AVAILABLE file's sha256 has 64 hex digits")
    created = _instant(file, "creation_time")
    return CidFile(file.id, file.status, created, file.bytes, digest)


def log_page(page: pb.ListCidEventsResponse) -> LogPage:
    """A page of a set's log."""
    return LogPage(
        tuple(_event(event) for event in page.cid_events),
        _cid(page.sync_verifier_start, "sync_verifier_start"),
        _cid(page.sync_verifier_end, "sync_verifier_end"),
        page.has_more_elements,
    )


def bacen_entry(asked: bytes, answered: pb.GetEntryByCidResponse) -> BacenEntry:
    """The entry behind the CID that was asked for: DICT's word for it, and its values, must be."""
    require(_cid(answered.cid, "cid") == asked, "the entry's cid is the one that was asked for")
    entry = answered.entry
    opened = entry.account.HasField("opening_date")
    try:
        request_id = UUID(answered.request_id)
    except ValueError:
        raise AnswerInvalid("an entry's request_id is a UUID") from None
    papers = EntryPapers(
        request_id,
        CidAttributes(
            key_type=entry.key_type,
            key=entry.key,
            tax_id=entry.owner.tax_id_number,
            name=entry.owner.name,
            trade_name=entry.owner.trade_name,
            participant=entry.account.participant,
            branch=entry.account.branch,
            account_number=entry.account.account_number,
            account_type=entry.account.account_type,
        ),
        _instant(entry.account, "opening_date") if opened else None,
    )
    require(papers.cid == asked, "the cid of the entry's values is the one that was asked for")
    return BacenEntry(asked, papers, _instant(answered, "response_time"))


def create_entry_request(papers: EntryPapers) -> pb.CreateEntryRequest:
    """createEntry of an entry that DICT has lost, under the papers' RequestId."""
    values = papers.attributes
    assert papers.opening_date is not None, "checked before"
    legal = len(values.tax_id) == CNPJ_CHARACTERS
    return pb.CreateEntryRequest(
        key=values.key,
        key_type=values.key_type,
        account=pb.Account(
            participant=values.participant,
            branch=values.branch or None,
            account_number=values.account_number,
            account_type=values.account_type,
            opening_date=timestamp(papers.opening_date),
        ),
        owner=pb.Owner(
            type="LEGAL_PERSON" if legal else "NATURAL_PERSON",
            tax_id_number=values.tax_id,
            name=values.name,
            trade_name=values.trade_name or None,
        ),
        reason="RECONCILIATION",
        request_id=str(papers.request_id),
    )


def response_time(answered: pb.CreateEntryResponse) -> datetime:
    """When DICT did it."""
    return _instant(answered, "response_time")


def _event(event: pb.CidEvent) -> CidEvent:
    require(event.type in _EVENT_TYPES, "an event is ADDED or REMOVED")
    return CidEvent(
        CidEventType(event.type), _cid(event.cid, "an event's cid"), _instant(event, "timestamp")
    )


def _cid(text: str, field: str) -> bytes:
    require(_DIGEST.fullmatch(text) is not None, f"{field} has 64 lower-case hexadecimal digits")
    return bytes.fromhex(text)


def _instant(holder: Message, field: str) -> datetime:
    require(holder.HasField(field), f"{field} is there")
    found: datetime = getattr(holder, field).ToDatetime(UTC)
    return found
