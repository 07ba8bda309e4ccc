"""Topics and namespaces, read once from `topics.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import yaml

from dict_schemas.location import contracts_folder

TENANT = "dict"
EVENTS = "events"
CORE = "core"
DEAD_LETTERS = "dead-letters"
REDRIVE = ".redrive"
"""Behind a service's name: the topic by which it gets its dead letters back."""


class UnknownTopic(LookupError):
    """`topics.yaml` names no such topic."""


@dataclass(frozen=True)
class Namespace:
    """A policy unit. `retention_days` None = for ever; `compatibility` None = no schema."""

    name: str
    retention_days: int | None
    compatibility: str | None
    meaning: str


@dataclass(frozen=True)
class Topic:
    """One topic.

    `key` names the body's field that is the message key, or is `ce_subject`, or `hash of the
    original` for dead letters. `schema` and `version` are None where the topic has no schema.
    `partitions` is production's number. `event_type` is the audit's, or `field:NAME` = read from
    the body.
    """

    namespace: str
    name: str
    schema: str | None
    version: int | None
    key: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    partitions: int
    retention_days: int | None
    core_copy: bool
    event_type: str | None
    workflow_type: str | None
    aggregate_type: str | None
    meaning: str

    def full_name(self, tenant: str = TENANT) -> str:
        """For example `persistent://dict/events/claim.created`."""
        return f"persistent://{tenant}/{self.namespace}/{self.name}"


@cache
def namespaces() -> tuple[Namespace, ...]:
    """All namespaces, in the file's order."""
    return tuple(
        Namespace(name, entry["retention_days"], entry["compatibility"], entry["meaning"])
        for name, entry in _document()["namespaces"].items()
    )


@cache
def topics() -> tuple[Topic, ...]:
    """All topics in the file's order, then Core's copies, which the file does not list."""
    listed = tuple(_topic(entry) for entry in _document()["topics"])
    return listed + tuple(_core_copy(topic) for topic in listed if topic.core_copy)


def topic(namespace: str, name: str) -> Topic:
    """The topic of that namespace and local name. Raises UnknownTopic."""
    for known in topics():
        if (known.namespace, known.name) == (namespace, name):
            return known
    raise UnknownTopic(f"topics.yaml names no {namespace}/{name}. Add it there first.")


@cache
def event_topics() -> tuple[str, ...]:
    """The names of dict/events, in the file's order."""
    return tuple(topic.name for topic in topics() if topic.namespace == EVENTS)


@cache
def dead_letter_services() -> tuple[str, ...]:
    """The services that have dead letters, in the file's order."""
    return tuple(
        topic.name
        for topic in topics()
        if topic.namespace == DEAD_LETTERS and not topic.name.endswith(REDRIVE)
    )


@cache
def _document() -> Mapping[str, Any]:
    text = (contracts_folder() / "topics.yaml").read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded


def _topic(entry: Mapping[str, Any]) -> Topic:
    return Topic(
        namespace=entry["namespace"],
        name=entry["name"],
        schema=entry.get("schema"),
        version=entry.get("version"),
        key=entry["key"],
        producers=tuple(entry["producers"]),
        consumers=tuple(entry["consumers"]),
        partitions=entry["partitions"],
        retention_days=_retention_days(entry["namespace"]),
        core_copy=entry.get("core_copy", False),
        event_type=entry.get("event_type"),
        workflow_type=entry.get("workflow_type"),
        aggregate_type=entry.get("aggregate_type"),
        meaning=entry["meaning"],
    )


def _core_copy(event: Topic) -> Topic:
    return replace(
        event,
        namespace=CORE,
        consumers=(CORE,),
        core_copy=False,
        retention_days=_retention_days(CORE),
        event_type=None,
        workflow_type=None,
    )


def _retention_days(namespace: str) -> int | None:
    return next(known.retention_days for known in namespaces() if known.name == namespace)
