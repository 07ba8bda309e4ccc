"""Rows as Parquet, with a schema that is only ever added to."""

import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from audit_sink.adapters.export_rows import columns_of
from audit_sink.application.audit_search import Row

GROUP_ROWS = 20_000
"""In memory until they are written: some tens of MiB."""

_OPTIONAL = frozenset(
    {"workflow_run_id", "event_subtype", "user_id", "correlation_id", "participant_ispb"}
)
_TYPES = {
    "occurred_at": pa.timestamp("us", tz="UTC"),
    "aggregate_sequence": pa.int64(),
    "leaf_no": pa.int32(),
}
SCHEMA = pa.schema(
    [
        pa.field(name, _TYPES.get(name, pa.string()), nullable=name in _OPTIONAL)
        for name in columns_of(())
    ]
)


class ParquetRows:
    """Written in row groups, so that memory does not grow with the file."""

    def __init__(self, file: io.RawIOBase) -> None:
        self._writer = pq.ParquetWriter(
            pa.PythonFile(file, mode="w"), SCHEMA, compression="zstd", version="2.6"
        )
        self._waiting: list[Row] = []

    def write(self, rows: Sequence[Row]) -> None:
        """Kept until a row group is full."""
        self._waiting += rows
        if len(self._waiting) >= GROUP_ROWS:
            self._flush()

    def end(self) -> None:
        """The last group, and the footer."""
        if self._waiting:
            self._flush()
        self.close()

    def close(self) -> None:
        """Twice does nothing."""
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(pa.table(columns_of(self._waiting), schema=SCHEMA))
        self._waiting = []
