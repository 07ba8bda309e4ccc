"""Traces: W3C context through message properties and gRPC metadata; spans to a file or nowhere."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()


def configure_traces(service: str, file: Path | None) -> TracerProvider:
    """The process's tracer provider; spans go to `file` as JSON lines where one is named."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    if file is not None:
        stream = file.open("a", encoding="utf-8")
        exporter = ConsoleSpanExporter(
            out=stream, formatter=lambda span: span.to_json(indent=None) + "\n"
        )
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider


def current_traceparent() -> str | None:
    """The `traceparent` of the span in force, for the next hop; None outside a trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def span(
    name: str,
    traceparent: str | None = None,
    kind: trace.SpanKind = trace.SpanKind.INTERNAL,
    attributes: Mapping[str, str | int] | None = None,
) -> Iterator[trace.Span]:
    """A span, child of `traceparent` where one came with the message. Attributes: ids only."""
    parent = _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else None
    tracer = trace.get_tracer("dict_common")
    with tracer.start_as_current_span(
        name, context=parent, kind=kind, attributes=dict(attributes or {}), record_exception=False
    ) as current:
        yield current


def read_spans(folder: Path, traces: frozenset[str]) -> list[dict[str, Any]]:
    """Spans of those traces from the exporter's files (`*.traces.jsonl`) of a folder: trace, name,
    service, start, milliseconds. A line that is no span is passed over."""
    found = []
    for file in sorted(folder.glob("*.traces.jsonl")):
        with file.open(encoding="utf-8") as lines:
            found += [span for line in lines if (span := _span_in(line, traces)) is not None]
    return found


def _span_in(line: str, traces: frozenset[str]) -> dict[str, Any] | None:
    try:
        span = json.loads(line)
        trace_id = span["context"]["trace_id"].removeprefix("0x")
        start = datetime.fromisoformat(span["start_time"])
        seconds = (datetime.fromisoformat(span["end_time"]) - start).total_seconds()
        service = span["resource"]["attributes"]["service.name"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if trace_id not in traces:
        return None
    return {
        "trace": trace_id,
        "name": span["name"],
        "service": service,
        "start": start,
        "milliseconds": round(seconds * 1000),
    }
