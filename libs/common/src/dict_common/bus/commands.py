"""Reads a command: envelope, size, schema, body, personal data, in that order."""

from collections.abc import Mapping
from dataclasses import dataclass

from dict_common.bus.avro import AvroCodec, Record
from dict_common.bus.incoming import Incoming, envelope_of
from dict_common.bus.publisher import Publisher
from dict_common.bus.schemas import Received
from dict_common.kernel.canonical import canonical
from dict_common.kernel.envelope import Envelope
from dict_common.ports.sealing import FieldOpener
from dict_common.secrecy.hybrid import HybridSealer
from dict_common.secrecy.rest import TinkRestSealer
from dict_schemas import avro as contracts


@dataclass(frozen=True)
class Command:
    """A command in clear. `fingerprints`: of its content under each key in use, primary first."""

    envelope: Envelope
    record: Record
    fingerprints: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"Command({self.envelope.type} {self.envelope.id})"


@dataclass(frozen=True)
class Sealed:
    """A command whose personal fields are ciphertext."""

    envelope: Envelope
    record: Record


class CommandReader:
    """Turns messages of one command topic into commands."""

    def __init__(
        self, name: str, schemas: Received, opener: FieldOpener, hashes: TinkRestSealer
    ) -> None:
        self._name = name
        self._schemas = schemas
        self._opener = opener
        self._hashes = hashes
        self._codec = AvroCodec()
        definition = contracts.definition(name, contracts.latest(name))
        self._record_name = contracts.record_name(definition)
        self._personal = contracts.pii_fields(definition)

    async def read(self, message: Incoming) -> Command:
        """The command. Raises Undeliverable with the reason, Unavailable if a look-up failed."""
        return await self.opened(await self.sealed(message))

    async def sealed(self, message: Incoming) -> Sealed:
        """The command, its personal fields still sealed. Raises as `read` does."""
        envelope = envelope_of(message, self._name)
        version = await self._schemas.writer_version(
            message.topic, self._name, message.schema_version
        )
        return Sealed(envelope, self._codec.decode(self._name, version, message.body))

    async def opened(self, sealed: Sealed) -> Command:
        """The command in clear. Raises Undeliverable for a ciphertext that does not open."""
        record = await self._opener.open_fields(self._record_name, sealed.record, self._personal)
        return Command(sealed.envelope, record, self._hashes.fingerprints(canonical(record)))


class CommandSender:
    """Publishes commands as Core does: personal fields sealed to our public keyset."""

    def __init__(self, publisher: Publisher, sealer: HybridSealer) -> None:
        self._publisher = publisher
        self._sealer = sealer
        self._codec = AvroCodec()

    async def send(self, envelope: Envelope, record: Mapping[str, object]) -> None:
        """Publishes to `commands/<envelope.type>`, keyed by the subject; waits for the disk.

        Raises ValueError for a record that the schema refuses, Unavailable.
        """
        name = envelope.type
        definition = contracts.definition(name, contracts.latest(name))
        sealed = self._sealer.seal_fields(
            contracts.record_name(definition), record, contracts.pii_fields(definition)
        )
        body = self._codec.encode(name, sealed)
        await self._publisher.publish(f"commands/{name}", envelope.subject, envelope, body)
