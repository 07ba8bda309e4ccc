"""From a message to a row: envelope, schema, body; personal data stays sealed."""

import base64
from uuid import UUID

from audit_sink.application.ports import Candidate
from audit_sink.domain.audit_row import AuditRow, Json, check
from audit_sink.domain.evidence import content_digest
from dict_common.bus.avro import AvroCodec, Record
from dict_common.bus.incoming import Incoming, envelope_of
from dict_common.bus.schemas import Received
from dict_common.bus.settle import as_undeliverable
from dict_common.kernel.clock import Clock, to_rfc3339
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import DictError, Undeliverable
from dict_schemas.topics import Topic, UnknownTopic, topic

_FROM_FIELD = "field:"


class EventDecoder:
    """Raises Undeliverable with the reason, Unavailable when a schema look-up fails."""

    def __init__(self, schemas: Received, clock: Clock) -> None:
        self._schemas = schemas
        self._clock = clock
        self._codec = AvroCodec()

    async def decode(self, place: int, message: Incoming) -> Candidate:
        """The candidate row of a message. A defect of ours buries the message, not the batch."""
        try:
            return await self._decode(place, message)
        except DictError:
            raise
        except Exception as error:
            raise as_undeliverable(error) from error

    async def _decode(self, place: int, message: Incoming) -> Candidate:
        name = message.topic.rpartition("/")[2]
        envelope = envelope_of(message, name)
        declared = _declared(name)
        version = await self._schemas.writer_version(message.topic, name, message.schema_version)
        record = self._codec.decode_plain(name, version, message.body)
        row = _row(message, envelope, declared, _json_record(record), version)
        check(row, self._clock.now())
        return Candidate(place, row, content_digest(envelope, message.body))


def _declared(name: str) -> Topic:
    try:
        return topic("events", name)
    except UnknownTopic:
        raise Undeliverable(
            "topic-unknown", f"this release does not know events/{name}: deploy the one that does"
        ) from None


def _row(
    message: Incoming,
    envelope: Envelope,
    declared: Topic,
    payload: dict[str, Json],
    schema_version: int,
) -> AuditRow:
    if envelope.sequence is None or envelope.sequence < 1 or not envelope.aggregate_type:
        raise Undeliverable(
            "envelope-invalid", "an event needs ce_sequence (from 1) and dict_aggregatetype"
        )
    workflow = envelope.workflow
    return AuditRow(
        event_id=envelope.id,
        workflow_type=workflow.type if workflow else declared.workflow_type or declared.name,
        workflow_id=(workflow.id if workflow else f"{envelope.aggregate_type}-{envelope.subject}"),
        workflow_run_id=_uuid(workflow.run_id if workflow else None),
        event_type=_event_type(declared, payload),
        event_subtype=envelope.type,
        event_payload=payload,
        user_id=None,
        correlation_id=envelope.correlation_id,
        occurred_at=envelope.time,
        metadata=_metadata(message, envelope, schema_version),
        source=envelope.source,
        aggregate_type=envelope.aggregate_type,
        aggregate_id=envelope.subject,
        aggregate_sequence=envelope.sequence,
        participant_ispb=_text(payload, "participant") or _text(payload, "claimer_ispb"),
    )


def _event_type(declared: Topic, payload: dict[str, Json]) -> str:
    event_type = declared.event_type or declared.name
    if event_type.startswith(_FROM_FIELD):
        return _text(payload, event_type.removeprefix(_FROM_FIELD)) or "UNKNOWN"
    return event_type


def _metadata(message: Incoming, envelope: Envelope, schema_version: int) -> dict[str, Json]:
    return {
        "topic": message.topic,
        "partition": message.partition,
        "message_id": message.message_id,
        "published_at": to_rfc3339(message.published_at),
        "schema_version": schema_version,
        "traceparent": envelope.traceparent,
        "causation_id": envelope.causation_id,
    }


def _text(payload: dict[str, Json], field: str) -> str | None:
    value = payload.get(field)
    return value if isinstance(value, str) else None


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _json_record(record: Record) -> dict[str, Json]:
    return {name: _json(value) for name, value in record.items()}


def _json(value: object) -> Json:
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {str(name): _json(inner) for name, inner in value.items()}
        case list():
            return [_json(inner) for inner in value]
        case None | bool() | int() | str():
            return value
    raise TypeError(f"{type(value).__name__} stands in no schema of ours")
