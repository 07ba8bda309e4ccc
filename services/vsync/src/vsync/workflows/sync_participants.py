"""Runs of whole participants: seed 003's VSyncWorkflow and its scheduler."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, ChildWorkflowError, WorkflowAlreadyStartedError

from dict_common.kernel.pix_key import KeyType
from vsync.application.sync_process import (
    PLAN_SYNC,
    START_SYNC,
    VSYNC_SCHEDULER_WORKFLOW,
    VSYNC_SET_WORKFLOW,
    VSYNC_WORKFLOW,
    SetOrder,
    Started,
    SyncPlan,
    SyncStart,
    VSyncInput,
    VSyncResult,
    participant_workflow_id,
    run_id_of,
    set_workflow_id,
)
from vsync.domain.entry import EntrySet
from vsync.domain.sync_run import SyncStatus, joined
from vsync.workflows.steps import BASE, BEGINNING, do, ended, reason_of, this_run

ALREADY_RUNS = "already-runs"
DAILY = "1"
_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")
_Part = tuple[UUID | None, VSyncResult]


@workflow.defn(name=VSYNC_WORKFLOW)
class VSyncWorkflow:
    """All sets of a participant; without one, a run of this kind for each of ours."""

    @workflow.run
    async def run(self, asked: VSyncInput) -> VSyncResult:
        """The sums. Raises ActivityError for an input that breaks a rule."""
        plan = await do(PLAN_SYNC, asked, SyncPlan, BASE)
        if not asked.participant_ispb:
            return await _each_participant(plan, asked, workflow.info().run_id[:8])
        run = this_run(asked.participant_ispb, None, asked.sync_type)
        try:
            await do(START_SYNC, SyncStart(run), Started, BEGINNING)
        except ActivityError as error:
            return await ended(run, SyncStatus.FAILED, reason_of(error))
        orders = [
            SetOrder(run.participant, key_type, asked.sync_type, asked.last_sync_date)
            for key_type in KeyType
        ]
        done = await _some_at_once(plan.at_once, _set_run, orders)
        status = joined(SyncStatus(result.status) for _, result in done)
        reason = next((it.error_message for _, it in done if it.error_message), None)
        parts = [run_id for run_id, _ in done if run_id is not None]
        return await ended(run, status, reason, parts=parts)


@workflow.defn(name=VSYNC_SCHEDULER_WORKFLOW)
class VSyncSchedulerWorkflow:
    """The day's run of each participant: what the Schedule starts. A second one of a day, started
    by hand or by a cron beside the Schedule, finds the runs there and does nothing."""

    @workflow.run
    async def run(self, asked: VSyncInput | None = None) -> VSyncResult:
        """The sums over all participants."""
        asked = asked or VSyncInput()
        plan = await do(PLAN_SYNC, asked, SyncPlan, BASE)
        return await _each_participant(plan, asked, DAILY)


async def _each_participant(plan: SyncPlan, asked: VSyncInput, number: str) -> VSyncResult:
    async def one(participant: str) -> _Part:
        id_ = participant_workflow_id(participant, workflow.now().date(), number)
        return await _child(
            VSYNC_WORKFLOW, replace(asked, participant_ispb=participant), id_, False
        )

    done = await _some_at_once(plan.at_once, one, plan.participants)
    return _summed([result for _, result in done], workflow.info().start_time)


async def _set_run(order: SetOrder) -> _Part:
    id_ = set_workflow_id(EntrySet(order.participant, order.key_type))
    return await _child(VSYNC_SET_WORKFLOW, order, id_, True)


async def _child(name: str, argument: object, id_: str, again: bool) -> _Part:
    """`again`: an id that is used every day. One that runs is left alone."""
    policy = WorkflowIDReusePolicy
    try:
        handle = await workflow.start_child_workflow(
            name,
            argument,
            id=id_,
            id_reuse_policy=policy.ALLOW_DUPLICATE if again else policy.REJECT_DUPLICATE,
            result_type=VSyncResult,
        )
    except WorkflowAlreadyStartedError:
        return None, _failed(ALREADY_RUNS)
    run_id = run_id_of(id_, handle.first_execution_run_id or "")
    try:
        return run_id, await handle
    except ChildWorkflowError:
        # Its own error stands in its history; its run's row says that it never ended.
        return None, _failed("run-died")


async def _some_at_once(
    at_once: int, work: Callable[[_Item], Awaitable[_Answer]], items: Sequence[_Item]
) -> list[_Answer]:
    turn = asyncio.Semaphore(at_once)

    async def one(item: _Item) -> _Answer:
        async with turn:
            return await work(item)

    return list(await asyncio.gather(*(one(it) for it in items)))


def _failed(reason: str) -> VSyncResult:
    now = workflow.now()
    return VSyncResult(None, SyncStatus.FAILED, now, error_message=reason)


def _summed(results: Sequence[VSyncResult], began: datetime) -> VSyncResult:
    error = next((it.error_message for it in results if it.error_message), None)
    return VSyncResult(
        report_id=results[0].report_id if len(results) == 1 else None,
        status=joined(SyncStatus(it.status) for it in results),
        sync_timestamp=began,
        duration_ms=int((workflow.now() - began).total_seconds() * 1000),
        entries_synced=sum(it.entries_synced for it in results),
        entries_created=sum(it.entries_created for it in results),
        entries_updated=sum(it.entries_updated for it in results),
        entries_deleted=sum(it.entries_deleted for it in results),
        discrepancies=sum(it.discrepancies for it in results),
        failed=sum(it.failed for it in results),
        requests=sum(it.requests for it in results),
        error_message=error,
    )
