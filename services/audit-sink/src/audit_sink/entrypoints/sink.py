"""The sink: `python -m audit_sink.entrypoints.sink`."""

import asyncio

from audit_sink.application.sink import Outlets, Sink
from audit_sink.application.write_batch import BatchResult
from audit_sink.bootstrap import sink as bootstrap
from audit_sink.bootstrap.foundations import SERVICE, frame
from dict_common.bus.incoming import Incoming
from dict_common.kernel.errors import Unavailable, Undeliverable
from dict_common.telemetry import metrics
from dict_common.telemetry.logs import logger
from dict_common.telemetry.probes import Health
from dict_common.telemetry.process import run_process
from dict_schemas.topics import REDRIVE

_log = logger(__name__)
CONSUMER = "audit-sink.events"


async def work(stop: asyncio.Event, health: Health) -> None:
    """Writes events until asked to stop."""
    async with bootstrap.open_adapters() as adapters:

        async def bury(message: Incoming, error: Undeliverable) -> None:
            redriven = message.topic.endswith(REDRIVE)
            graveyard = adapters.buried_again if redriven else adapters.dead_letters
            await graveyard.bury(message, CONSUMER, error)
            metrics.dead_letters.labels(CONSUMER, error.reason_code).inc()
            _log.warning(
                "event-buried",
                message_id=message.message_id,
                reason=str(error),
                exc_info=error.__cause__,
            )

        def report(result: BatchResult, seconds: float) -> None:
            metrics.consumer_paused.labels(CONSUMER).set(0)
            metrics.audit_rows.inc(len(result.new))
            metrics.audit_duplicates.inc(result.duplicates)
            metrics.audit_batch_seconds.observe(seconds)
            strays = [
                candidate
                for candidate in result.new
                if candidate.row.month not in adapters.keep_months.known
            ]
            if strays:
                metrics.audit_default_rows.inc(len(strays))
                _log.warning("rows-in-default-partition", rows=len(strays))

        def paused(error: Unavailable) -> None:
            metrics.consumer_paused.labels(CONSUMER).set(1)
            _log.warning("sink-paused", reason=error.reason_code, detail=error.detail)

        sink: Sink[Incoming] = Sink(
            adapters.source,
            adapters.decoder,
            adapters.write,
            adapters.keep_months,
            adapters.window,
            Outlets(bury, report, paused),
        )
        health.checks["postgres"] = adapters.database.ping
        health.started = True
        await sink.run(stop)


if __name__ == "__main__":
    run_process(lambda: frame(SERVICE), work)
