"""How bodies meet the broker's schema registry."""

import asyncio
import json
from typing import Any

import _pulsar
import pulsar

from dict_common.kernel.errors import Unavailable, Undeliverable
from dict_schemas import avro as contracts

LOOK_UP_SECONDS_MAX = 30.0


class Encoded(pulsar.schema.Schema):  # type: ignore[misc]
    """For producers: declares the Avro schema of `name`; bodies come encoded."""

    def __init__(self, name: str, version: int | None = None) -> None:
        definition = contracts.definition(name, version or contracts.latest(name))
        super().__init__(bytes, _pulsar.SchemaType.AVRO, definition, "AVRO")

    def encode(self, obj: bytes) -> bytes:
        """The body as it is."""
        return obj

    def decode(self, data: bytes) -> bytes:
        """The body as it is."""
        return data


class Received(pulsar.schema.BytesSchema):  # type: ignore[misc]
    """For consumers: hands over bytes and finds out which schema the writer declared."""

    def __init__(self) -> None:
        super().__init__()
        self._client: Any = None
        self._known: dict[tuple[str, int], int] = {}

    async def writer_version(self, topic: str, name: str, broker_version: int) -> int:
        """Which version of `schemas/avro/<name>` the broker's number means; one look-up for each.

        Raises Undeliverable `schema-unknown` for a schema that is none of ours, Unavailable when
        the look-up itself fails. Runs off the event loop.
        """
        if broker_version < 0:
            raise _unknown(topic, "that it does not name")
        found = self._known.get((topic, broker_version))
        if found is None:
            declared = await self._declared(topic, broker_version)
            found = self._known[topic, broker_version] = _own_version(name, declared)
        return found

    async def _declared(self, topic: str, broker_version: int) -> object:
        try:
            info = await asyncio.wait_for(
                asyncio.to_thread(self._client.get_schema_info, topic, broker_version),
                LOOK_UP_SECONDS_MAX,
            )
        except pulsar.TopicNotFound:
            # The broker's answer for a number that it never gave, or that was deleted.
            raise _unknown(
                topic, f"that the broker does not have, number {broker_version}"
            ) from None
        except Exception as error:
            raise Unavailable(
                "schema-look-up-failed", f"{topic} version {broker_version}: {error}"
            ) from error
        if info.schema_type() != _pulsar.SchemaType.AVRO:
            raise _unknown(topic, f"of type {info.schema_type()}")
        return json.loads(info.schema())


def _own_version(name: str, declared: object) -> int:
    if name in contracts.names():
        for version in contracts.versions(name):
            if contracts.definition(name, version) == declared:
                return version
    raise _unknown(name, "registered at the broker, but not in this release's schemas/avro")


def _unknown(topic: str, what: str) -> Undeliverable:
    return Undeliverable(
        "schema-unknown",
        f"{topic} was written with a schema {what}: deploy the release that knows it, "
        "then redrive this message",
    )
