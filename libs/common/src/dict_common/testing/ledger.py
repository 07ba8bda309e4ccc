"""RequestLedger: a fake, and the exam that fake and PostgreSQL pass alike."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from dict_common.ports.directory import BridgeCall, CallContext, RequestLedger


@dataclass
class LedgerRow:
    """What is known of one call."""

    operation: str
    attempts: int
    status: str
    status_code: int | None = None
    error_code: str | None = None


class InMemoryRequestLedger:
    """RequestLedger with rows in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, LedgerRow] = {}

    async def opened(self, call: BridgeCall) -> None:
        """Adds the row or counts an attempt."""
        row = self.rows.get(call.context.request_id)
        if row is None:
            self.rows[call.context.request_id] = LedgerRow(call.operation, 1, "IN_PROGRESS")
        else:
            row.attempts += 1
            row.status = "RETRYING"

    async def answered(self, call: BridgeCall, status_code: int, answer: str) -> None:
        """SUCCESS."""
        assert answer
        self._close(call, "SUCCESS", status_code, None)

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
        assert await self.row("claim-a:CreateClaim:1") == LedgerRow("CreateClaim", 1, "IN_PROGRESS")

    async def test_repeat_counts_an_attempt(self) -> None:
        """The same call again is the same row."""
        ledger, call = await self.ledger(), _call("claim-b:CreateClaim:1")
        for _ in range(3):
            await ledger.opened(call)
        assert await self.row("claim-b:CreateClaim:1") == LedgerRow("CreateClaim", 3, "RETRYING")

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


def _call(request_id: str) -> BridgeCall:
    return BridgeCall(CallContext(request_id), "CreateClaim", '{"key":"+5561988880000"}')
