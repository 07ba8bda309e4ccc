"""How the months stand, as metrics and log lines."""

from collections.abc import Mapping
from datetime import date

from audit_sink.application.partitions import NotChanged
from dict_common.telemetry import metrics
from dict_common.telemetry.logs import logger

_log = logger(__name__)


class PartitionGauges:
    """PartitionWatch for a process."""

    def looked(self, horizon_days: float, default_rows: Mapping[date, int] | None) -> None:
        """Sets the gauges; an uncounted DEFAULT keeps the number that it had."""
        metrics.audit_horizon_days.set(horizon_days)
        if default_rows is None:
            _log.warning("default-partition-not-counted")
            return
        metrics.audit_default_rows.set(sum(default_rows.values()))
        if default_rows:
            months = [month.isoformat()[:7] for month in default_rows]
            _log.warning("rows-wait-in-default-partition", months=months)

    def not_made(self, month: date, problem: NotChanged) -> None:
        """A line that says what to do is not needed often: once an hour is."""
        _log.error(
            "month-not-made",
            month=month.isoformat()[:7],
            reason=problem.hindrance.value,
            detail=problem.detail,
        )
