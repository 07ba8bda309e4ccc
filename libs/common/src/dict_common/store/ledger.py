"""`connect.bridge_requests`: every call to the Bridge, durable before it leaves."""

import base64
from datetime import timedelta
from uuid import UUID

from dict_common.ports.directory import EFFECTS, BridgeCall, Opened, RequestReused
from dict_common.ports.sealing import RestSealer
from dict_common.store.database import Database
from dict_common.store.queries import load_queries

_QUERIES = load_queries("dict_common.store", "ledger")

KEPT = timedelta(days=400)
"""Longer than any claim lives; expired rows go by policy, with the request that made them."""

REQUEST_CONTEXT = "connect.bridge_requests.request_payload"
RESPONSE_CONTEXT = "connect.bridge_requests.response_payload"


class PostgresRequestLedger:
    """RequestLedger over PostgreSQL; payloads are sealed here with the keyset `rest`."""

    def __init__(self, database: Database, sealer: RestSealer, kept: timedelta = KEPT) -> None:
        self._database = database
        self._sealer = sealer
        self._kept = kept

    async def opened(self, call: BridgeCall) -> Opened:
        """Adds the row, or counts an attempt. Raises Unavailable, RequestReused."""
        context = call.context
        row = await self._database.fetch_row(
            _QUERIES["ledger_open"],
            (
                context.request_id,
                context.correlation_id,
                context.workflow_id,
                UUID(context.workflow_run_id) if context.workflow_run_id else None,
                call.operation,
                self._sealed(REQUEST_CONTEXT, call.payload),
                self._sealer.look_up_hash(call.payload),
                self._kept,
                call.operation in EFFECTS,
            ),
        )
        assert row is not None
        if call.operation in EFFECTS and row["request_hash"] not in self._sealer.look_up_hashes(
            call.payload
        ):
            raise RequestReused(context.request_id)
        stored = row["response_payload"] if row["status"] == "SUCCESS" else None
        answer = None if stored is None else self._opened(RESPONSE_CONTEXT, stored)
        return Opened(answer, row["unknown_since"] is not None)

    async def answered(self, call: BridgeCall, status_code: int, answer: str) -> None:
        """Stores the answer. Raises Unavailable."""
        await self._close(call, "SUCCESS", self._sealed(RESPONSE_CONTEXT, answer), status_code)

    async def failed(
        self, call: BridgeCall, error_code: str, status_code: int | None, answer: str | None
    ) -> None:
        """Stores the refusal (status_code given) or the lack of an answer. Raises Unavailable."""
        sealed = None if answer is None else self._sealed(RESPONSE_CONTEXT, answer)
        status = "TIMEOUT" if status_code is None else "FAILED"
        await self._close(call, status, sealed, status_code, error_code)

    async def _close(
        self,
        call: BridgeCall,
        status: str,
        sealed: dict[str, str] | None,
        status_code: int | None,
        error_code: str | None = None,
    ) -> None:
        await self._database.fetch(
            _QUERIES["ledger_close"],
            (call.context.request_id, status, sealed, status_code, error_code),
        )

    async def purge(self, rows_max: int) -> int:
        """Removes rows that have outlived the policy. Raises Unavailable."""
        return len(await self._database.fetch(_QUERIES["ledger_purge"], (rows_max,)))

    def _opened(self, context: str, sealed: dict[str, str]) -> str:
        return self._sealer.open(context, base64.b64decode(sealed["sealed"])).decode()

    def _sealed(self, context: str, text: str) -> dict[str, str]:
        return {"sealed": base64.b64encode(self._sealer.seal(context, text.encode())).decode()}
