"""Protobuf messages ↔ DICT's records."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from bridge_simulator.cid_files import CidFile
from bridge_simulator.cid_rows import CidEvent
from bridge_simulator.ledger import Operation
from bridge_simulator.problems import TYPE_PREFIX, DictProblem
from bridge_simulator.records import Account, Claim, Entry, EntryOrder, Owner
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2
from dict_schemas.generated.dict.simulator.v1 import control_pb2

CID_FILE_URL_PREFIX = "https://dict.pi.rsfn.net.br/cids/files/"


def timestamp(instant: datetime | None) -> Timestamp | None:
    """A message field's value; None leaves the field out."""
    if instant is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(instant)
    return stamp


def instant(holder: object, field: str) -> datetime | None:
    """The time in a message's field, None when it is absent."""
    assert hasattr(holder, "HasField"), "holder is a protobuf message"
    if not holder.HasField(field):
        return None
    stamp: Timestamp = getattr(holder, field)
    return stamp.ToDatetime(tzinfo=UTC)


def to_account(message: bridge_pb2.Account) -> Account:
    """The account a caller sent; not yet checked."""
    return Account(
        participant=message.participant,
        branch=message.branch if message.HasField("branch") else None,
        account_number=message.account_number,
        account_type=message.account_type,
        opening_date=instant(message, "opening_date"),
    )


def to_owner(message: bridge_pb2.Owner) -> Owner:
    """The person a caller sent; not yet checked."""
    return Owner(
        type=message.type,
        tax_id_number=message.tax_id_number,
        name=message.name,
        trade_name=message.trade_name if message.HasField("trade_name") else None,
    )


def to_entry_order(message: bridge_pb2.Entry | bridge_pb2.CreateEntryRequest) -> EntryOrder:
    """The entry a caller asks for; not yet checked."""
    return EntryOrder(
        key=message.key,
        key_type=message.key_type,
        account=to_account(message.account),
        owner=to_owner(message.owner),
    )


def account_message(account: Account) -> bridge_pb2.Account:
    """An account as DICT shows it."""
    return bridge_pb2.Account(
        participant=account.participant,
        branch=account.branch,
        account_number=account.account_number,
        account_type=account.account_type,
        opening_date=timestamp(account.opening_date),
    )


def owner_message(owner: Owner) -> bridge_pb2.Owner:
    """A person as DICT shows it."""
    return bridge_pb2.Owner(
        type=owner.type,
        tax_id_number=owner.tax_id_number,
        name=owner.name,
        trade_name=owner.trade_name,
    )


def entry_message(entry: Entry, claim: Claim | None = None) -> bridge_pb2.Entry:
    """An entry as DICT shows it; `claim` is the open one on its key."""
    return bridge_pb2.Entry(
        key=entry.key,
        key_type=entry.key_type,
        account=account_message(entry.account),
        owner=owner_message(entry.owner),
        creation_date=timestamp(entry.creation_date),
        key_ownership_date=timestamp(entry.key_ownership_date),
        open_claim_creation_date=timestamp(claim.creation_time) if claim else None,
    )


def claim_message(claim: Claim) -> bridge_pb2.Claim:
    """A claim as DICT shows it."""
    return bridge_pb2.Claim(
        id=claim.id,
        type=claim.type,
        key=claim.key,
        key_type=claim.key_type,
        claimer_account=account_message(claim.claimer_account),
        claimer=owner_message(claim.claimer),
        donor_participant=claim.donor_participant,
        status=claim.status,
        resolution_period_end=timestamp(claim.resolution_period_end),
        completion_period_end=timestamp(claim.completion_period_end),
        last_modified=timestamp(claim.last_modified),
        confirm_reason=claim.confirm_reason,
        cancel_reason=claim.cancel_reason,
        cancelled_by=claim.cancelled_by,
        entry_creation_date=timestamp(claim.entry_creation_date),
        key_ownership_date=timestamp(claim.key_ownership_date),
    )


def cid_file_message(file: CidFile) -> bridge_pb2.CidFile:
    """A file as DICT shows it, with its size and digest once it is made."""
    made = file.creation_time is not None
    return bridge_pb2.CidFile(
        id=file.id,
        status=file.status,
        participant=file.participant,
        key_type=file.key_type,
        request_time=timestamp(file.request_time),
        creation_time=timestamp(file.creation_time),
        url=f"{CID_FILE_URL_PREFIX}{file.id}" if made else None,
        bytes=file.bytes,
        sha256=file.sha256,
    )


def cid_event_message(event: CidEvent) -> bridge_pb2.CidEvent:
    """An event of a set's log."""
    return bridge_pb2.CidEvent(type=event.type, cid=event.cid, timestamp=timestamp(event.timestamp))


def operation_message(done: Operation) -> control_pb2.Operation:
    """A row of the ledger."""
    return control_pb2.Operation(
        sequence=done.sequence,
        operation=done.call.operation,
        claim_id=done.call.claim_id,
        participant=done.call.participant,
        request_id=done.call.request_id,
        x_request_id=done.call.x_request_id,
        status_before=done.status_before,
        status_after=done.status_after,
        time=timestamp(done.time),
        effective=done.effective,
        problem_type=done.problem_type,
    )


def problem_message(problem: DictProblem, correlation_id: str) -> bridge_pb2.Problem:
    """A refusal as RFC 7807 has it."""
    return bridge_pb2.Problem(
        type=f"{TYPE_PREFIX}{problem.type_name}",
        status=problem.kind.http_status,
        title=problem.kind.title,
        detail=problem.detail,
        retry_after_seconds=problem.retry_after_seconds,
        correlation_id=correlation_id,
        violations=[
            bridge_pb2.Violation(reason=v.reason, value=v.value, property=v.property)
            for v in problem.violations
        ],
    )
