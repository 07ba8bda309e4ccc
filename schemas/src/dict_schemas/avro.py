"""Avro definitions, one file for each version of a schema: `avro/<name>/<version>.avsc`.

A schema's name is the topic's local name and the CloudEvents type, for example `claim.created`.
Files are read once and kept; only reading them blocks.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from dict_schemas.location import contracts_folder


class UnknownSchema(LookupError):
    """No such schema, or no such version of it."""


@cache
def names() -> tuple[str, ...]:
    """All schema names, sorted."""
    return tuple(sorted(folder.name for folder in _folder().iterdir() if folder.is_dir()))


@cache
def versions(name: str) -> tuple[int, ...]:
    """Versions of a schema, ascending. Raises UnknownSchema."""
    found = sorted(int(path.stem) for path in (_folder() / name).glob("*.avsc"))
    if not found or name not in names():
        raise UnknownSchema(f"There is no schema {name}. Known: {', '.join(names())}.")
    return tuple(found)


def latest(name: str) -> int:
    """The newest version of a schema. Raises UnknownSchema."""
    return versions(name)[-1]


def definition(name: str, version: int = 1) -> dict[str, object]:
    """The schema as plain JSON values, a fresh copy for each call. Raises UnknownSchema."""
    loaded = json.loads(_text(name, version))
    assert isinstance(loaded, dict), f"{name}/{version}.avsc must hold a record"
    return loaded


def pii_fields(definition: Mapping[str, object]) -> dict[str, str]:
    """Personal fields of a record: field name → whose they are (`claimer`), in field order."""
    return {
        str(field["name"]): str(field["subject"])
        for field in fields(definition)
        if field.get("pii") is True
    }


def record_name(definition: Mapping[str, object]) -> str:
    """The record's full name, for example `dict.claim.ClaimCreated`.

    With `.<field>` behind it, it is the encryption context of a personal field: it never changes.
    """
    return f"{definition['namespace']}.{definition['name']}"


def fields(definition: Mapping[str, object]) -> list[dict[str, object]]:
    """The record's fields as plain JSON values."""
    found = definition["fields"]
    assert isinstance(found, list), "a record's fields are a list"
    return found


def _folder() -> Path:
    return contracts_folder() / "avro"


@cache
def _text(name: str, version: int) -> str:
    if version not in versions(name):
        raise UnknownSchema(f"Schema {name} has no version {version}. Known: {versions(name)}.")
    return (_folder() / name / f"{version}.avsc").read_text(encoding="utf-8")
