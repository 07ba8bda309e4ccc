"""Traces: W3C context through message properties and gRPC metadata; spans to a file or nowhere."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

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
