"""From messages to rows: envelope, schema, body; personal data stays sealed.

This runs once for each event of the whole system, in one thread, beside the database: what costs a
microsecond here costs throughput. So JSON is made once, by orjson, in its canonical form.
"""

import asyncio
import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import orjson

from audit_sink.application.ports import Candidate, Decoded, Poison
from audit_sink.domain.audit_row import AuditRow, check
from audit_sink.domain.evidence import content_digest
from dict_common.bus.avro import AvroCodec, Record
from dict_common.bus.incoming import Incoming, envelope_of
from dict_common.bus.schemas import Received
from dict_common.bus.settle import as_undeliverable
from dict_common.kernel.clock import Clock, to_rfc3339
from dict_common.kernel.envelope import Envelope
from dict_common.kernel.errors import Unavailable, Undeliverable
from dict_schemas.topics import REDRIVE, Topic, UnknownTopic, topic

_FROM_FIELD = "field:"
YIELD_EVERY_MESSAGES = 256
"""So often others have their turn: the connections that write the batch before."""

TOPICS_MAX = 4_096
"""Topics whose names are kept in their JSON form."""

_Versions = dict[tuple[str, int], "int | Undeliverable"]


@dataclass(frozen=True)
class _Facts:
    """What every message of a topic shares."""

    name: str
    declared: Topic | None


class EventDecoder:
    """Decode over the contracts of this release."""

    def __init__(
        self, schemas: Received, clock: Clock, unseal: Callable[[Incoming], Incoming] | None = None
    ) -> None:
        """`unseal`: out of a redrive its original message; raises Undeliverable."""
        self._schemas = schemas
        self._clock = clock
        self._unseal = unseal
        self._codec = AvroCodec()
        self._facts: dict[str, _Facts] = {}

    async def decode(self, messages: Sequence[Incoming]) -> Decoded:
        """Rows, and what is none with its reason. Raises Unavailable when a look-up fails.

        A defect of ours buries the message, not the batch.
        """
        poison: list[Poison] = []
        opened = list(self._opened(messages, poison))
        versions = await self._versions([message for _, message in opened])
        now = self._clock.now()
        candidates: list[Candidate] = []
        for number, (place, message) in enumerate(opened):
            if number % YIELD_EVERY_MESSAGES == 0:
                await asyncio.sleep(0)
            try:
                candidates.append(self._candidate(place, message, versions, now))
            except Exception as error:  # noqa: BLE001 whatever junk runs into
                poison.append(Poison(place, _reason(error)))
        return Decoded(candidates, poison)

    def _opened(
        self, messages: Sequence[Incoming], poison: list[Poison]
    ) -> Iterator[tuple[int, Incoming]]:
        """Each with its place; a redrive as the message that it brings back."""
        for place, message in enumerate(messages):
            if self._unseal is None or not message.topic.endswith(REDRIVE):
                yield place, message
                continue
            try:
                yield place, self._unseal(message)
            except Exception as error:  # noqa: BLE001 whatever a stranger's cover runs into
                poison.append(Poison(place, _reason(error)))

    async def _versions(self, messages: Sequence[Incoming]) -> _Versions:
        """One look-up for each topic and broker's number: a flood of strangers asks once."""
        versions: _Versions = {}
        for key in {(message.topic, message.schema_version) for message in messages}:
            try:
                versions[key] = await self._schemas.writer_version(
                    key[0], self._of_topic(key[0]).name, key[1]
                )
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 whatever a stranger's schema runs into
                versions[key] = _reason(error)
        return versions

    def _candidate(
        self, place: int, message: Incoming, versions: _Versions, now: datetime
    ) -> Candidate:
        facts = self._of_topic(message.topic)
        envelope = envelope_of(message, facts.name)
        if facts.declared is None:
            raise Undeliverable(
                "topic-unknown",
                f"this release does not know events/{facts.name}: deploy the one that does",
            )
        version = versions[message.topic, message.schema_version]
        if isinstance(version, Undeliverable):
            raise version
        record = self._codec.decode_plain(facts.name, version, message.body)
        row = _row(message, envelope, facts.declared, record, version)
        check(row, now)
        return Candidate(place, row, content_digest(envelope, message.body))

    def _of_topic(self, full_name: str) -> _Facts:
        facts = self._facts.get(full_name)
        if facts is None:
            name = full_name.rpartition("/")[2]
            try:
                declared: Topic | None = topic("events", name)
            except UnknownTopic:
                declared = None
            facts = self._facts[full_name] = _Facts(name, declared)
        return facts


def _reason(error: Exception) -> Undeliverable:
    reason = as_undeliverable(error)
    if reason is not error:
        reason.__cause__ = error  # for the log
    return reason


def _row(
    message: Incoming, envelope: Envelope, declared: Topic, record: Record, schema_version: int
) -> AuditRow:
    if envelope.sequence is None or envelope.sequence < 1 or not envelope.aggregate_type:
        raise Undeliverable(
            "envelope-invalid", "an event needs ce_sequence (from 1) and dict_aggregatetype"
        )
    workflow = envelope.workflow
    return AuditRow(
        envelope.id,
        workflow.type if workflow else declared.workflow_type or declared.name,
        workflow.id if workflow else f"{envelope.aggregate_type}-{envelope.subject}",
        _uuid(workflow.run_id) if workflow else None,
        _event_type(declared, record),
        envelope.type,
        _json(record),
        None,
        envelope.correlation_id,
        envelope.time,
        _metadata(message, envelope, schema_version),
        envelope.source,
        envelope.aggregate_type,
        envelope.subject,
        envelope.sequence,
        _text(record, "participant") or _text(record, "claimer_ispb"),
    )


def _event_type(declared: Topic, record: Record) -> str:
    event_type = declared.event_type or declared.name
    if event_type.startswith(_FROM_FIELD):
        return _text(record, event_type.removeprefix(_FROM_FIELD)) or "UNKNOWN"
    return event_type


def _metadata(message: Incoming, envelope: Envelope, schema_version: int) -> bytes:
    """Canonical JSON, put together by hand: every value but the topic has a syntax without escapes.

    (Ids by `from_properties`, which drops what is none; numbers and times by this module.)
    """
    return (
        f'{{"causation_id":{_quoted(envelope.causation_id)},"message_id":"{message.message_id}",'
        f'"partition":{message.partition},"published_at":"{to_rfc3339(message.published_at)}",'
        f'"schema_version":{schema_version},"topic":{_json_text(message.topic)},'
        f'"traceparent":{_quoted(envelope.traceparent)}}}'
    ).encode()


def _quoted(plain: str | None) -> str:
    return "null" if plain is None else f'"{plain}"'


@lru_cache(TOPICS_MAX)
def _json_text(text: str) -> str:
    return orjson.dumps(text).decode()


def _text(record: Record, field: str) -> str | None:
    value = record.get(field)
    return value if isinstance(value, str) else None


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _json(record: Record) -> bytes:
    """As `canonical_json` makes it; bytes as base64. Raises TypeError for what is no JSON."""
    return orjson.dumps(record, default=_base64, option=orjson.OPT_SORT_KEYS | _STRICT)


_STRICT = (
    orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)


def _base64(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} stands in no schema of ours")
