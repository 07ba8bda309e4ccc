"""The sink: `python -m audit_sink.entrypoints.sink`."""

import asyncio
import gc
import time

from audit_sink.application.sink import Outlets, Settled, Sink
from audit_sink.bootstrap import sink as bootstrap
from audit_sink.bootstrap.foundations import SERVICE, frame
from dict_common.bus.incoming import Incoming
from dict_common.bus.together import every, run_together
from dict_common.kernel.errors import Unavailable, Undeliverable
from dict_common.telemetry import metrics
from dict_common.telemetry.logs import logger
from dict_common.telemetry.probes import Health
from dict_common.telemetry.process import run_process
from dict_schemas.topics import REDRIVE

_log = logger(__name__)
CONSUMER = "audit-sink.events"
LAG_SECONDS = 15.0
GC_OBJECTS = 200_000
"""A batch makes tens of thousands of objects and hardly a cycle: to look for cycles every 700 of
them takes a tenth of the sink's time."""


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

        def report(settled: Settled[Incoming]) -> None:
            _count(settled)
            strays = [
                candidate
                for candidate in settled.result.new
                if candidate.row.month not in adapters.keep_months.known
            ]
            if strays:
                metrics.audit_default_rows.inc(len(strays))
                _log.warning("rows-in-default-partition", rows=len(strays))

        def paused(error: Unavailable) -> None:
            metrics.consumer_paused.labels(CONSUMER).set(1)
            _log.warning("sink-paused", reason=error.reason_code, detail=error.detail)

        def resumed() -> None:
            metrics.consumer_paused.labels(CONSUMER).set(0)

        sink: Sink[Incoming] = Sink(
            adapters.source,
            adapters.decoder,
            adapters.write,
            adapters.keep_months,
            adapters.window,
            Outlets(bury, report, paused, resumed),
        )
        gc.freeze()
        gc.set_threshold(GC_OBJECTS)
        health.checks["postgres"] = adapters.database.ping
        health.started = True
        await run_together((sink.run, every(LAG_SECONDS, adapters.lag, "lag")), stop)


def _count(settled: Settled[Incoming]) -> None:
    metrics.audit_rows.inc(len(settled.result.new))
    metrics.audit_duplicates.inc(settled.result.duplicates)
    metrics.audit_batch_seconds.observe(settled.seconds)
    age = metrics.message_age.labels(CONSUMER)
    committed = time.time() - settled.committed_seconds
    for candidate in settled.result.new:
        published = settled.messages[candidate.place].published_at.timestamp()
        age.observe(max(0.0, committed - published))


if __name__ == "__main__":
    run_process(lambda: frame(SERVICE), work)
