"""Events as our services publish them: five topics, UUIDv7, sealed fields of the usual size."""

import base64
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from dict_common.bus.avro import AvroCodec
from dict_common.kernel.envelope import Envelope, WorkflowRef
from dict_common.kernel.ids import new_id
from dict_schemas import avro
from dict_schemas.examples import examples

LIFE = (
    "claim.created",
    "claim.acknowledged",
    "workflow.step",
    "claim.confirmed",
    "claim.completed",
)
"""The events of one claim, in order."""
APART = timedelta(milliseconds=20)


@dataclass(frozen=True)
class BenchEvent:
    """What goes to a topic."""

    name: str
    envelope: Envelope
    body: bytes


def events(count: int, since: datetime | None = None) -> Iterator[BenchEvent]:
    """So many events of whole lives; their times follow one another from `since` on."""
    at = since or datetime.now(UTC)
    codec = AvroCodec()
    examples_ = {name: record_of(name) for name in LIFE}
    numbers = itertools.count()
    while True:
        claim_id = str(uuid4())
        workflow = WorkflowRef("CreateClaimWorkflow", f"claim-{claim_id}", str(uuid4()))
        for sequence, name in enumerate(LIFE, start=1):
            number = next(numbers)
            if number >= count:
                return
            record = examples_[name]
            if "claim_id" in record:
                record["claim_id"] = claim_id
                record["subject_id"] = str(uuid4())
            envelope = Envelope(
                id=new_id(),
                type=name,
                source="/dict-connect/claim-orchestrator",
                time=at + number * APART / 20,
                subject=claim_id,
                aggregate_type="claim",
                sequence=sequence,
                correlation_id=str(UUID(claim_id)),
                causation_id=claim_id,
                traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                workflow=workflow,
            )
            yield BenchEvent(name, envelope, codec.encode(name, record))


def record_of(name: str) -> dict[str, object]:
    """The newest example of the contracts, ready for Avro."""
    personal = avro.pii_fields(avro.definition(name, avro.latest(name)))
    return {
        field: base64.b64decode(str(value)) if field in personal and value else value
        for field, value in examples(name)[-1].body.items()
    }
