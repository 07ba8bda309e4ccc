"""The replayer: `python -m audit_sink.entrypoints.replayer`."""

import asyncio

from audit_sink.application.replay import Replayer, Report
from audit_sink.bootstrap import replayer as bootstrap
from audit_sink.bootstrap.foundations import frame
from dict_common.bus.incoming import Incoming
from dict_common.kernel.errors import Unavailable
from dict_common.kernel.ids import new_id
from dict_common.telemetry import metrics
from dict_common.telemetry.logs import logger
from dict_common.telemetry.probes import Health
from dict_common.telemetry.process import run_process

_log = logger(__name__)
CONSUMER = "audit-sink.replay"


async def work(stop: asyncio.Event, health: Health) -> None:
    """Replays what is asked for until asked to stop."""
    async with bootstrap.open_adapters() as adapters:

        def trouble(error: Unavailable) -> None:
            _log.warning(
                "replay-waits",
                reason=error.reason_code,
                detail=error.detail,
                exc_info=error.__cause__,
            )

        paused = metrics.consumer_paused.labels(CONSUMER)
        replayer: Replayer[Incoming] = Replayer(
            adapters.runs,
            adapters.log,
            adapters.decoder,
            new_id,
            Report(metrics.audit_replayed.inc, trouble, lambda waits: paused.set(int(waits))),
        )
        health.checks["postgres"] = adapters.database.ping
        health.started = True
        await replayer.run(stop)


if __name__ == "__main__":
    run_process(lambda: frame("audit-sink-replayer"), work)
