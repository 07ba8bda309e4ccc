"""Dead letters: the only copy of what we could not process, whole and sealed.

Body = rest-sealed (u32 big-endian header length ‖ header JSON ‖ original body); the header holds
topic, key, schema version, properties and times as they came. In the clear stand only reason,
detail and ids.
"""

import json
import struct
from dataclasses import dataclass
from uuid import UUID

import pulsar.asyncio

from dict_common.bus.client import PublishDropped, answered, stored
from dict_common.bus.incoming import Incoming
from dict_common.kernel.clock import to_rfc3339
from dict_common.kernel.errors import Undeliverable
from dict_common.ports.sealing import RestSealer

_LENGTH = struct.Struct(">I")


@dataclass(frozen=True)
class DeadLetter:
    """A dead letter opened: what arrived, and why it lies here."""

    reason: str
    detail: str
    consumer: str
    topic: str
    message_id: str
    key: str
    schema_version: int
    properties: dict[str, str]
    published_at: str
    body: bytes


def context(service: str) -> str:
    """The encryption context of a service's dead letters."""
    return f"dead-letters.{service}"


class DeadLetters:
    """Publishes to `persistent://<tenant>/dead-letters/<service>`."""

    def __init__(
        self, client: pulsar.asyncio.Client, tenant: str, service: str, sealer: RestSealer
    ) -> None:
        self._client = client
        self._topic = f"persistent://{tenant}/dead-letters/{service}"
        self._service = service
        self._sealer = sealer
        self._producer: pulsar.asyncio.Producer | None = None

    async def bury(self, message: Incoming, consumer: str, error: Undeliverable) -> None:
        """Publishes, waits for the disk. Raises Unavailable: then nothing is acknowledged."""
        producer = await self._opened_producer()
        sent = producer.send(
            self._sealed(message), properties=clear_properties(message, consumer, error)
        )
        try:
            await stored(sent, f"publish to {self._topic}")
        except PublishDropped:
            self._producer = None
            await answered(producer.close(), f"close the producer for {self._topic}")
            raise

    async def _opened_producer(self) -> pulsar.asyncio.Producer:
        if self._producer is None:
            self._producer = await answered(
                # Chunks: a sealed message of the broker's largest size is larger than that.
                self._client.create_producer(
                    self._topic, batching_enabled=False, chunking_enabled=True
                ),
                f"producer for {self._topic}",
            )
        return self._producer

    def _sealed(self, message: Incoming) -> bytes:
        header = json.dumps(
            {
                "topic": message.topic,
                "message_id": message.message_id,
                "key": message.key,
                "schema_version": message.schema_version,
                "properties": message.properties,
                "published_at": to_rfc3339(message.published_at),
            }
        ).encode()
        plain = _LENGTH.pack(len(header)) + header + message.body
        return self._sealer.seal(context(self._service), plain)


def clear_properties(message: Incoming, consumer: str, error: Undeliverable) -> dict[str, str]:
    """What an operator's list shows without opening anything: no text of the sender but ids."""
    return (
        {
            "dict_reason": error.reason_code,
            "dict_detail": error.detail,
            "dict_consumer": consumer,
            "dict_origintopic": message.topic,
            "dict_originid": message.message_id,
            "dict_originpublished": to_rfc3339(message.published_at),
        }
        | _uuid_only("ce_id", message.properties)
        | _uuid_only("ce_subject", message.properties)
    )


def _uuid_only(name: str, properties: dict[str, str]) -> dict[str, str]:
    try:
        return {name: str(UUID(properties.get(name, "")))}
    except ValueError:
        return {}


def opened(service: str, clear: dict[str, str], sealed: bytes, sealer: RestSealer) -> DeadLetter:
    """The dead letter in clear. Raises CiphertextInvalid."""
    plain = sealer.open(context(service), sealed)
    (length,) = _LENGTH.unpack_from(plain)
    header = json.loads(plain[_LENGTH.size : _LENGTH.size + length])
    return DeadLetter(
        reason=clear["dict_reason"],
        detail=clear["dict_detail"],
        consumer=clear["dict_consumer"],
        topic=header["topic"],
        message_id=header["message_id"],
        key=header["key"],
        schema_version=header["schema_version"],
        properties=header["properties"],
        published_at=header["published_at"],
        body=plain[_LENGTH.size + length :],
    )
