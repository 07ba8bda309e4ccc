"""The simulator's own hand: it does the script's acts when their time comes."""

import asyncio
import logging
from contextlib import suppress

from bridge_simulator import script_rows
from bridge_simulator.claim_actions import Action, ClaimActions
from bridge_simulator.directory import Directory
from bridge_simulator.problems import DictProblem

LOOK_AGAIN_SECONDS = 1.0
"""No act waits longer than that for a clock that was set, or after a failure."""

logger = logging.getLogger("bridge_simulator")


class Script:
    """One loop. What was overdue while the simulator was away is done at its start."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._actions = ClaimActions(directory)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            self._directory.changed.clear()
            seconds = LOOK_AGAIN_SECONDS
            try:
                self._do_next()  # a change too: then this waits for nothing
                seconds = self._seconds_to_wait()
            except Exception:
                logger.exception("the script could not go on; it tries again")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._directory.changed.wait(), seconds)

    def _do_next(self) -> None:
        """Does one act that is due. A refusal is an end too, and stands in the ledger."""
        with self._directory.store.transaction() as db:
            found = script_rows.next_due(db, self._directory.now())
        if found is None:
            return
        act = found.act
        action = Action(act.action, act.participant, act.reason, act.request_id)
        outcome = "done"
        try:
            self._actions.perform(action, found.claim_id, act.x_request_id)
        except DictProblem as problem:
            outcome = problem.type_name
        logger.info("act %s %s: %s", act.x_request_id, act.action, outcome)

    def _seconds_to_wait(self) -> float:
        with self._directory.store.transaction() as db:
            ahead = script_rows.next_time(db, self._directory.now())
        if ahead is None:
            return LOOK_AGAIN_SECONDS
        return min(LOOK_AGAIN_SECONDS, ahead.total_seconds())
