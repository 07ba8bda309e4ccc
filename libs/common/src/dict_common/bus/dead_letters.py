"""Dead letters: the only copy of what we could not process, whole and sealed.

Body = rest-sealed (u32 big-endian header length ‖ header JSON ‖ original body); the header holds
topic, key, schema version, properties and times as they came. In the clear stand only reason,
detail and ids.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pulsar.asyncio

from dict_common.bus.incoming import Incoming
from dict_common.bus.sealed_topic import SealedTopic
from dict_common.kernel.clock import to_rfc3339
from dict_common.kernel.errors import Undeliverable
from dict_common.ports.sealing import RestSealer
from dict_schemas.topics import DEAD_LETTERS

_LENGTH = struct.Struct(">I")


@dataclass(frozen=True)
class DeadLetter:
    """A dead letter opened: what arrived, and why it lies here.

    `redriven`: how often the message had been given back before it came to lie here.
    """

    reason: str
    detail: str
    consumer: str
    topic: str
    message_id: str
    key: str
    schema_version: int
    properties: dict[str, str]
    published_at: str
    redriven: int
    body: bytes


def context(service: str) -> str:
    """The encryption context of a service's dead letters."""
    return f"{DEAD_LETTERS}.{service}"


def framed(header: Mapping[str, object], body: bytes) -> bytes:
    """Header and body in one, before it is sealed."""
    text = json.dumps(dict(header)).encode()
    return _LENGTH.pack(len(text)) + text + body


def unframed(plain: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and body of what was framed."""
    (length,) = _LENGTH.unpack_from(plain)
    header: dict[str, Any] = json.loads(plain[_LENGTH.size : _LENGTH.size + length])
    return header, plain[_LENGTH.size + length :]


class DeadLetters:
    """Publishes to `persistent://<tenant>/dead-letters/<service>`."""

    def __init__(
        self, client: pulsar.asyncio.Client, tenant: str, service: str, sealer: RestSealer
    ) -> None:
        topic = f"persistent://{tenant}/{DEAD_LETTERS}/{service}"
        self._topic = SealedTopic(client, topic, sealer)
        self._service = service
        self._sealer = sealer

    async def bury(self, message: Incoming, consumer: str, error: Undeliverable) -> None:
        """Publishes, waits for the disk. Raises Unavailable: then nothing is acknowledged."""
        clear = clear_properties(message, consumer, error)
        await self._topic.publish(self._sealed(message), clear, message.key or message.message_id)

    def _sealed(self, message: Incoming) -> bytes:
        header = {
            "topic": message.topic,
            "message_id": message.message_id,
            "key": message.key,
            "schema_version": message.schema_version,
            "properties": message.properties,
            "published_at": to_rfc3339(message.published_at),
            "redriven": message.redriven.times if message.redriven else 0,
        }
        return self._sealer.seal(context(self._service), framed(header, message.body))


def clear_properties(message: Incoming, consumer: str, error: Undeliverable) -> dict[str, str]:
    """What an operator's list shows without opening anything: no text of the sender but ids.

    A message that was given back still shows the consumer that gave it up at first.
    """
    again = message.redriven
    return (
        {
            "dict_reason": error.reason_code,
            "dict_detail": error.detail,
            "dict_consumer": again.consumer if again else consumer,
            "dict_origintopic": message.topic,
            "dict_originid": message.message_id,
            "dict_originpublished": to_rfc3339(message.published_at),
        }
        | ({"dict_redriven": str(again.times)} if again else {})
        | uuid_only("ce_id", message.properties)
        | uuid_only("ce_subject", message.properties)
    )


def uuid_only(name: str, properties: Mapping[str, str]) -> dict[str, str]:
    """The property, if it is a UUID: whatever else a sender wrote may be personal."""
    try:
        return {name: str(UUID(properties.get(name, "")))}
    except ValueError:
        return {}


def opened(service: str, clear: dict[str, str], sealed: bytes, sealer: RestSealer) -> DeadLetter:
    """The dead letter in clear. Raises CiphertextInvalid."""
    header, body = unframed(sealer.open(context(service), sealed))
    return DeadLetter(
        reason=clear.get("dict_reason", ""),
        detail=clear.get("dict_detail", ""),
        consumer=clear.get("dict_consumer", ""),
        topic=header["topic"],
        message_id=header["message_id"],
        key=header["key"],
        schema_version=header["schema_version"],
        properties=header["properties"],
        published_at=header["published_at"],
        redriven=header.get("redriven", 0),
        body=body,
    )
