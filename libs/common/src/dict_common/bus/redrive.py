"""Dead letters on their way back: `<service>.redrive`, read by that service alone.

Body = rest-sealed (u32 big-endian header length ‖ header JSON ‖ original body), as in a dead letter
and with a context of its own: only who holds the keyset `rest` can write one, and a copy of a dead
letter is none. Its key is that of a dead letter: the order by key is kept.
"""

import struct
from datetime import datetime

import pulsar.asyncio

from dict_common.bus.dead_letters import DeadLetter, DeadLetters, framed, unframed, uuid_only
from dict_common.bus.incoming import Incoming, Redriven
from dict_common.bus.sealed_topic import SealedTopic
from dict_common.kernel.errors import InputRefused, Undeliverable
from dict_common.kernel.letter_ids import LetterId
from dict_common.ports.sealing import RestSealer
from dict_common.secrecy.errors import CiphertextInvalid
from dict_schemas.topics import DEAD_LETTERS, REDRIVE


def redrive_topic(tenant: str, service: str) -> str:
    """The full name of the topic by which a service gets its dead letters back."""
    return f"persistent://{tenant}/{DEAD_LETTERS}/{service}{REDRIVE}"


def _context(service: str) -> str:
    return f"{DEAD_LETTERS}.{service}{REDRIVE}"


class Redrives:
    """Gives dead letters back to one service. Blocks for the broker."""

    def __init__(
        self, client: pulsar.asyncio.Client, tenant: str, service: str, sealer: RestSealer
    ) -> None:
        self._topic = SealedTopic(client, redrive_topic(tenant, service), sealer)
        self._service = service
        self._sealer = sealer

    async def give_back(self, id_: LetterId, letter: DeadLetter) -> None:
        """Publishes, waits for the disk; a repeat publishes again. Raises Unavailable."""
        header = {
            "topic": letter.topic,
            "message_id": letter.message_id,
            "key": letter.key,
            "schema_version": letter.schema_version,
            "properties": letter.properties,
            "published_at": letter.published_at,
            "redriven": letter.redriven + 1,
            "consumer": letter.consumer,
            "letter": str(id_),
        }
        clear = (
            {
                "dict_letter": str(id_),
                "dict_redriven": str(letter.redriven + 1),
                "dict_consumer": letter.consumer,
                "dict_origintopic": letter.topic,
            }
            | uuid_only("ce_id", letter.properties)
            | uuid_only("ce_subject", letter.properties)
        )
        body = self._sealer.seal(_context(self._service), framed(header, letter.body))
        await self._topic.publish(body, clear, letter.key or letter.message_id)


def original(service: str, message: Incoming, sealer: RestSealer) -> Incoming:
    """The message that a dead letter of `service` holds, out of the redrive that brought it back.

    All is as it first came (topic, partition, message id, key, properties, schema version, publish
    time, body), but for `message`: that is the redrive's own object, and it is what has to be
    acknowledged, on the redrive's subscription. `redriven` says how often it came back. Never
    blocks. Raises Undeliverable `redrive-unreadable` for what no holder of our keys has written.
    """
    found = _unsealed(service, message, sealer)
    while found.topic == message.topic:
        # A redrive that could not be opened was itself buried, and was now given back.
        found = _unsealed(service, found, sealer)._replace(redriven=found.redriven)
    return found


def _unsealed(service: str, message: Incoming, sealer: RestSealer) -> Incoming:
    try:
        return _parsed(sealer.open(_context(service), message.body), message)
    except CiphertextInvalid:
        raise Undeliverable(
            "redrive-unreadable",
            f"no redrive of {service} that the keyset rest opens: discard it if nobody of yours "
            "wrote it; else give the keyset its old key back, then redrive it",
        ) from None
    except (KeyError, TypeError, ValueError, struct.error, InputRefused):
        raise Undeliverable(
            "redrive-unreadable",
            f"a redrive of {service} in a form that this release does not know: deploy the one "
            "that wrote it, then redrive it",
        ) from None


def _parsed(plain: bytes, cover: Incoming) -> Incoming:
    header, body = unframed(plain)
    return Incoming(
        topic=header["topic"],
        partition=LetterId.parse(header["message_id"]).partition,
        message_id=header["message_id"],
        key=header["key"],
        properties=header["properties"],
        body=body,
        published_at=datetime.fromisoformat(header["published_at"]),
        redelivery_count=cover.redelivery_count,
        schema_version=header["schema_version"],
        message=cover.message,
        redriven=Redriven(header["redriven"], header["consumer"], header["letter"]),
    )


class BuriedAgain(DeadLetters):
    """For the consumer of a redrive topic: what fails again is buried as it first came, not in the
    cover that brought it back; a cover that does not open is buried as it is."""

    def __init__(
        self, client: pulsar.asyncio.Client, tenant: str, service: str, sealer: RestSealer
    ) -> None:
        super().__init__(client, tenant, service, sealer)
        self._cover = service, sealer

    async def bury(self, message: Incoming, consumer: str, error: Undeliverable) -> None:
        """As DeadLetters does. Raises Unavailable."""
        try:
            service, sealer = self._cover
            message = original(service, message, sealer)
        except Undeliverable as unreadable:
            error = unreadable
        await super().bury(message, consumer, error)
