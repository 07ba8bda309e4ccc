"""RequestLedger: a fake, and the exam that fake and PostgreSQL pass alike."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import pytest

from dict_common.ports.directory import (
    EFFECTS,
    BridgeCall,
    CallContext,
    Opened,
    RequestLedger,
    RequestReused,
)


@dataclass
class LedgerRow:
    """What is known of one call."""

    operation: str
    attempts: int
    status: str
    status_code: int | None = None
    error_code: str | None = None
    payload: str = ""
    answer: str | None = None
    unknown: bool = False


class InMemoryRequestLedger:
    """RequestLedger with rows in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, LedgerRow] = {}

    async def opened(self, call: BridgeCall) -> Opened:
        """Adds the row or counts an attempt."""
        row = self.rows.get(call.context.request_id)
        if row is None:
            row = LedgerRow(call.operation, 1, "IN_PROGRESS", payload=call.payload)
            self.rows[call.context.request_id] = row
            return Opened()
        if call.operation in EFFECTS and row.payload != call.payload:
            raise RequestReused(call.context.request_id)
        row.attempts += 1
        code = row.status_code or 0
        row.unknown |= row.status in ("IN_PROGRESS", "RETRYING", "TIMEOUT")
        row.unknown |= code >= 500 or code == 408
        if row.status != "SUCCESS" or call.operation not in EFFECTS:
            row.status = "RETRYING"
        return Opened(row.answer if row.status == "SUCCESS" else None, row.unknown)

    async def purge(self, rows_max: int) -> int:
        """Nothing grows old here."""
        del rows_max
        return 0

    async def answered(self, call: BridgeCall, status_code: int, answer: str) -> None:
        """SUCCESS."""
        assert answer
        self._close(call, "SUCCESS", status_code, None)
        self.rows[call.context.request_id].answer = answer

    async def failed(
        self, call: BridgeCall, error_code: str, status_code: int | None, answer: str | None
    ) -> None:
        """FAILED with an answer, TIMEOUT without."""
        assert (answer is None) == (status_code is None)
        status = "TIMEOUT" if status_code is None else "FAILED"
        self._close(call, status, status_code, error_code)

    def _close(
        self, call: BridgeCall, status: str, status_code: int | None, error_code: str | None
    ) -> None:
        row = self.rows[call.context.request_id]
        row.status, row.status_code, row.error_code = status, status_code, error_code


class RequestLedgerSuite(ABC):
    """Subclasses say how a ledger is made and how its row is read."""

    @abstractmethod
    async def ledger(self) -> RequestLedger:
        """A ledger to examine."""

    @abstractmethod
    async def row(self, request_id: str) -> LedgerRow:
        """The row of a call."""

    async def test_call_is_there_before_it_leaves(self) -> None:
        """Durable first."""
        await (await self.ledger()).opened(_call("claim-a:CreateClaim:1"))
        row = await self.row("claim-a:CreateClaim:1")
        assert (row.operation, row.attempts, row.status) == ("CreateClaim", 1, "IN_PROGRESS")

    async def test_repeat_counts_an_attempt(self) -> None:
        """The same call again is the same row."""
        ledger, call = await self.ledger(), _call("claim-b:CreateClaim:1")
        for _ in range(3):
            await ledger.opened(call)
        row = await self.row("claim-b:CreateClaim:1")
        assert (row.operation, row.attempts, row.status) == ("CreateClaim", 3, "RETRYING")

    @pytest.mark.parametrize("operation", sorted(EFFECTS))
    async def test_good_answer_is_given_again_and_the_call_not_sent_again(
        self, operation: str
    ) -> None:
        """The process may have died before it could say that it was done."""
        ledger, call = await self.ledger(), _call(f"claim-d:{operation}:1", operation)
        await ledger.opened(call)
        await ledger.answered(call, 200, '{"claim":{}}')
        assert (await ledger.opened(call)).answer == '{"claim":{}}'
        assert (await self.row(f"claim-d:{operation}:1")).status == "SUCCESS"

    async def test_read_is_sent_again_whatever_it_was_told(self) -> None:
        """An old answer is no news."""
        ledger, call = await self.ledger(), _call("claim-d:GetClaim:1", "GetClaim")
        await ledger.opened(call)
        await ledger.answered(call, 200, "{}")
        assert (await ledger.opened(call)).answer is None

    @pytest.mark.parametrize(("status", "unknown"), [(None, True), (503, True), (429, False)])
    async def test_unanswered_attempt_is_never_forgotten(
        self, status: int | None, unknown: bool
    ) -> None:
        """Whatever later attempts are told: it may have had its effect."""
        ledger, call = await self.ledger(), _call(f"claim-e:CreateClaim:{status}")
        assert not (await ledger.opened(call)).after_unknown
        await ledger.failed(call, "X", status, None if status is None else "{}")
        assert (await ledger.opened(call)).after_unknown is unknown
        await ledger.failed(call, "RateLimited", 429, "{}")
        assert (await ledger.opened(call)).after_unknown is unknown

    async def test_crash_before_the_answer_leaves_the_outcome_unknown(self) -> None:
        """Nobody wrote how it ended."""
        ledger, call = await self.ledger(), _call("claim-f:CreateClaim:1")
        await ledger.opened(call)
        assert (await ledger.opened(call)).after_unknown

    async def test_other_content_under_the_same_id_is_refused(self) -> None:
        """It could do the wrong thing."""
        ledger, call = await self.ledger(), _call("claim-g:CancelClaim:1", "CancelClaim")
        await ledger.opened(call)
        other = BridgeCall(call.context, call.operation, '{"reason":"FRAUD"}')
        with pytest.raises(RequestReused):
            await ledger.opened(other)

    async def test_answer_refusal_and_silence(self) -> None:
        """Each is told apart."""
        ledger = await self.ledger()
        good, bad, silent = (_call(f"claim-c:CreateClaim:{number}") for number in (1, 2, 3))
        for call in (good, bad, silent):
            await ledger.opened(call)
        await ledger.answered(good, 200, "{}")
        await ledger.failed(bad, "ClaimInvalid", 400, "{}")
        await ledger.failed(silent, "DEADLINE_EXCEEDED", None, None)
        rows = [await self.row(call.context.request_id) for call in (good, bad, silent)]
        assert [(row.status, row.status_code, row.error_code) for row in rows] == [
            ("SUCCESS", 200, None),
            ("FAILED", 400, "ClaimInvalid"),
            ("TIMEOUT", None, "DEADLINE_EXCEEDED"),
        ]


def _call(request_id: str, operation: str = "CreateClaim") -> BridgeCall:
    return BridgeCall(CallContext(request_id), operation, '{"key":"+5561988880000"}')
