"""Avro bodies over fastavro, each schema parsed once.

Decoding needs the version the writer used; a version that is not in `schemas/avro` fails the
message and never guesses. (The client's own AvroSchema decodes with the reader's schema when its
look-up fails, and then answers wrong values without an error.)
"""

import io
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

import fastavro

from dict_common.kernel.errors import Undeliverable
from dict_schemas import avro as contracts

Record = dict[str, object]
_Parse = Callable[[str, int], dict[str, Any]]


class AvroCodec:
    """EventCodec over the contracts of this distribution. Never blocks."""

    def encode(self, name: str, record: Mapping[str, object]) -> bytes:
        """The body, latest version. Raises ValueError for a field too many or a wrong type."""
        body = io.BytesIO()
        fastavro.schemaless_writer(
            body, _parsed(name, contracts.latest(name)), dict(record), strict_allow_default=True
        )
        return body.getvalue()

    def decode(self, name: str, writer_version: int, body: bytes) -> Record:
        """The record as the latest version reads it. Raises Undeliverable `undecodable`."""
        return self._read(name, writer_version, body, _parsed)

    def decode_plain(self, name: str, writer_version: int, body: bytes) -> Record:
        """As `decode`, with plain values: times stay microseconds. For copies, not for rules."""
        return self._read(name, writer_version, body, _parsed_plain)

    def personal_fields(self, name: str) -> tuple[str, ...]:
        """The fields marked `"pii": true`."""
        return _personal_fields(name)

    def context(self, name: str, field: str) -> str:
        """`<record full name>.<field>`."""
        return f"{_record_name(name)}.{field}"

    @staticmethod
    def _read(name: str, writer_version: int, body: bytes, parsed: _Parse) -> Record:
        stream = io.BytesIO(body)
        try:
            writer, reader = parsed(name, writer_version), parsed(name, contracts.latest(name))
            # No reader's schema where it is the writer's: they would be compared field by field.
            record = fastavro.schemaless_reader(
                stream, writer, None if writer is reader else reader
            )
        except Exception as error:  # noqa: BLE001 junk raises whatever it runs into
            raise _undecodable(name, writer_version, type(error).__name__) from None
        if stream.tell() != len(body):
            raise _undecodable(name, writer_version, "bytes left over")
        if not isinstance(record, dict):
            raise _undecodable(name, writer_version, "not a record")
        return record


def _undecodable(name: str, version: int, why: str) -> Undeliverable:
    return Undeliverable(
        "undecodable",
        f"the body is not Avro of {name} version {version} ({why}): encode it with the "
        "schema that the topic holds",
    )


@cache
def _parsed(name: str, version: int) -> dict[str, Any]:
    # Parsing marks the dict it is given, so it gets a copy of its own.
    parsed = fastavro.parse_schema(contracts.definition(name, version), _force=True)
    return cast("dict[str, Any]", parsed)


@cache
def _personal_fields(name: str) -> tuple[str, ...]:
    return tuple(contracts.pii_fields(contracts.definition(name, contracts.latest(name))))


@cache
def _record_name(name: str) -> str:
    return contracts.record_name(contracts.definition(name, contracts.latest(name)))


@cache
def _parsed_plain(name: str, version: int) -> dict[str, Any]:
    plain = _without_logical_types(contracts.definition(name, version))
    return cast("dict[str, Any]", fastavro.parse_schema(plain, _force=True))


def _without_logical_types(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: _without_logical_types(value)
            for key, value in node.items()
            if key != "logicalType"
        }
    if isinstance(node, list):
        return [_without_logical_types(item) for item in node]
    return node
