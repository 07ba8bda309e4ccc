"""Bad messages among good events: what they are, and what each must be buried for."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from benchmarks.audit_events import BenchEvent, record_of
from dict_common.bus.avro import AvroCodec
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.ids import new_id

REUSED = "event-id-reused"
FOR_EVER = ("undecodable", "envelope-invalid", "text-has-nul", "time-in-future", REUSED)
"""What no release can store."""
OLD_RELEASE = {"topic-unknown": "otp.validated", "schema-unknown": "operator.acted"}
"""What an older release cannot read (`tests/support/older_sink.py`), by the event that it is."""


@dataclass(frozen=True)
class Bad:
    """A bad message. `rival`: the good event that it took its id from."""

    event: BenchEvent
    reason: str
    rival: BenchEvent | None = None


def among(
    good: Iterable[BenchEvent], every: int, reasons: Sequence[str], told: list[Bad]
) -> Iterator[BenchEvent]:
    """The good events, and after each `every` of them one bad, the reasons in turns; `told` says
    which they were."""
    for number, event in enumerate(good, start=1):
        yield event
        if number % every == 0:
            reason = reasons[len(told) % len(reasons)]
            told.append(bad(event, reason))
            yield told[-1].event


def bad(good: BenchEvent, reason: str) -> Bad:
    """One of an aggregate of its own, so that it is found by its subject."""
    envelope = good.envelope._replace(id=new_id(), subject=str(uuid4()), sequence=1)
    body = good.body
    match reason:
        case "undecodable":
            body = b"junk"
        case "envelope-invalid":
            envelope = envelope._replace(sequence=None)
        case "time-in-future":
            envelope = envelope._replace(time=envelope.time + timedelta(days=2))
        case "text-has-nul":
            return Bad(_other(envelope, "workflow.step", outcome="a\x00b"), reason)
        case "event-id-reused":
            envelope = envelope._replace(id=good.envelope.id)
            return Bad(BenchEvent(good.name, envelope, body), reason, good)
        case _:
            return Bad(_other(envelope, OLD_RELEASE[reason]), reason)
    return Bad(BenchEvent(good.name, envelope, body), reason)


def _other(envelope: Envelope, name: str, **changes: object) -> BenchEvent:
    body = AvroCodec().encode(name, record_of(name) | changes)
    return BenchEvent(name, envelope._replace(type=name), body)
