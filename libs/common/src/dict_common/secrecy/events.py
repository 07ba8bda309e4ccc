"""Seals the personal fields of an event in both of its forms: kept for ever, and Core's copy."""

from collections.abc import Mapping
from uuid import UUID

from dict_common.ports.codec import EventCodec
from dict_common.ports.outgoing import ComposedFrom, OutgoingEvent
from dict_common.ports.sealing import SubjectSealer
from dict_common.secrecy.hybrid import HybridSealer
from dict_schemas.topics import topic


class SealingComposer:
    """EventComposer: seals, then encodes. Blocks only for a subject key not cached.

    `subjects` None: for a process none of whose events holds personal data.
    """

    def __init__(
        self, codec: EventCodec, subjects: SubjectSealer | None, core: HybridSealer
    ) -> None:
        self._codec = codec
        self._subjects = subjects
        self._core = core

    async def compose(self, event: ComposedFrom) -> tuple[OutgoingEvent, ...]:
        """The event for dict/events, and its copy for Core where the topic has one."""
        kept = await self._kept_for_ever(event.name, event.record, event.subject_id)
        events = [self._outgoing("events", event, kept)]
        if topic("events", event.name).core_copy:
            events.append(self._outgoing("core", event, self._for_core(event.name, event.record)))
        return tuple(events)

    @staticmethod
    def _outgoing(namespace: str, event: ComposedFrom, payload: bytes) -> OutgoingEvent:
        return OutgoingEvent(
            topic=f"{namespace}/{event.name}",
            key=event.envelope.subject,
            envelope=event.envelope,
            payload=payload,
            ordinal=event.ordinal,
            apart=event.apart,
        )

    async def _kept_for_ever(
        self, name: str, record: Mapping[str, object], subject_id: UUID | None
    ) -> bytes:
        """The body for dict/events, personal fields under the subject's data key.

        Raises SubjectErased; ValueError for a personal field without a subject.
        """
        sealed = dict(record)
        for field in self._codec.personal_fields(name):
            value = record.get(field)
            if isinstance(value, str):
                if subject_id is None or self._subjects is None:
                    raise ValueError(f"{name}.{field} is personal data and has no subject")
                context = self._codec.context(name, field)
                sealed[field] = await self._subjects.seal(subject_id, context, value)
        return self._codec.encode(name, sealed)

    def _for_core(self, name: str, record: Mapping[str, object]) -> bytes:
        """The body for dict/core, personal fields sealed to Core's public keyset."""
        sealed = dict(record)
        for field in self._codec.personal_fields(name):
            value = record.get(field)
            if isinstance(value, str):
                sealed[field] = self._core.seal(self._codec.context(name, field), value)
        return self._codec.encode(name, sealed)
