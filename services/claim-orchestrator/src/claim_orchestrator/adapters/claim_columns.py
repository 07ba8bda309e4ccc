"""Between the rows of workflows.claim_workflows and our records."""

from collections.abc import Sequence

import asyncpg

from claim_orchestrator.application.claim_records import ClaimRow, SettledIntent, Snapshot
from claim_orchestrator.application.ports import KeptClaim, NewClaim, RowChange
from dict_common.ports.outgoing import OutgoingEvent
from dict_common.store import outbox


def insert_columns(claim: NewClaim) -> tuple[object, ...]:
    """For `claim_insert`."""
    return (
        claim.workflow_id,
        claim.claim_id,
        claim.role,
        claim.entry_id,
        claim.key_type,
        claim.key_hash,
        claim.key_encrypted,
        claim.papers_encrypted,
        claim.claimer_ispb,
        claim.owner_ispb,
        claim.claim_type,
        claim.subject_id,
        claim.command_id,
        claim.correlation_id,
        claim.started_at,
        claim.expires_at,
    )


def record_columns(change: RowChange, events: Sequence[OutgoingEvent]) -> tuple[object, ...]:
    """For `claim_record`: the row's columns, the verdicts, the events."""
    intent, cut = change.intent, outbox.columns(events)
    return (
        change.claim_id,
        change.role,
        change.expected_version,
        list(change.event_ids),
        change.workflow_id,
        change.workflow_run_id,
        change.status,
        change.resolution_type,
        change.resolution_reason,
        change.completed_at,
        change.expires_at,
        change.monitor_workflow_id,
        change.expire_workflow_id,
        change.last_error,
        *_dict_columns(change),
        intent.cause if intent else None,
        intent.reason if intent else None,
        intent.decision_id if intent else None,
        intent.overruled if intent else None,
        [verdict.ce_id for verdict in change.verdicts],
        [
            "accepted" if verdict.refused is None else f"refused:{verdict.refused}"
            for verdict in change.verdicts
        ],
        change.settled_at,
        cut.topics,
        cut.keys,
        cut.event_ids,
        cut.event_times,
        cut.ordinals,
        cut.properties,
        cut.payloads,
        cut.aparts,
    )


def kept_claim(row: asyncpg.Record) -> KeptClaim:
    """A whole row."""
    return KeptClaim(
        claim_id=row["claim_id"],
        participant=row["claimer_ispb"],
        type=row["claim_type"],
        key_type=row["key_type"],
        owner_ispb=row["owner_ispb"],
        entry_id=row["entry_id"],
        subject_id=row["subject_id"],
        command_id=row["command_id"],
        correlation_id=row["correlation_id"],
        key_encrypted=row["key_encrypted"],
        papers_encrypted=row["papers_encrypted"],
        row=claim_row(row),
    )


def claim_row(row: asyncpg.Record) -> ClaimRow:
    """What of a row changes."""
    return ClaimRow(
        version=row["version"],
        status=row["status"],
        shown=_shown(row),
        intent=_intent(row),
        complete_request_id=row["complete_request_id"],
        resolution_type=row["resolution_type"],
    )


def _dict_columns(change: RowChange) -> tuple[object, ...]:
    shown = change.snapshot
    if shown is None:
        return (None,) * 10
    return (
        shown.dict_claim_id,
        shown.status,
        shown.donor_ispb,
        shown.resolution_period_end,
        shown.completion_period_end,
        change.claimer_deadline,
        shown.confirm_reason,
        shown.cancel_reason,
        shown.cancelled_by,
        shown.last_modified,
    )


def _shown(row: asyncpg.Record) -> Snapshot | None:
    if row["dict_claim_id"] is None:
        return None
    return Snapshot(
        dict_claim_id=row["dict_claim_id"],
        status=row["dict_status"],
        donor_ispb=row["owner_ispb"],
        resolution_period_end=row["resolution_period_end"],
        completion_period_end=row["completion_period_end"],
        last_modified=row["dict_last_modified"],
        confirm_reason=row["confirm_reason"],
        cancel_reason=row["cancel_reason"],
        cancelled_by=row["cancelled_by"],
    )


def _intent(row: asyncpg.Record) -> SettledIntent | None:
    if row["intent_cause"] is None:
        return None
    return SettledIntent(
        row["intent_cause"],
        row["intent_reason"],
        row["intent_decision"],
        row["intent_overruled"],
    )
