"""The AsyncAPI 3.0 document of all topics, made from `topics.yaml` and the Avro files.

`./dev generate` writes it to `docs/asyncapi.yaml`; a contract test compares.
"""

from importlib.metadata import version
from typing import Any

import yaml

from dict_schemas import avro
from dict_schemas.topics import DEAD_LETTERS, REDRIVE, TENANT, Namespace, Topic, namespaces, topics

Node = dict[str, Any]

VERSION = "3.0.0"
AVRO_FORMAT = "application/vnd.apache.avro;version=1.9.0"
BINDING_VERSION = "0.1.0"
SCHEMAS_FROM_DOCS = "../schemas/avro"
MINUTES_PER_DAY = 24 * 60
LINE_CHARACTERS_MAX = 100
HEADING = (
    "# Generated from schemas/topics.yaml and schemas/avro by `./dev generate`. Do not edit.\n"
)
_DESCRIPTION = (
    "Commands that DICT Connect takes, events that it publishes, copies for Core, and dead "
    "letters, over Apache Pulsar. Messages are CloudEvents 1.0 in binary mode: attributes are "
    "message properties, the body is Avro. Fields named by x-sealed-fields hold ciphertext; the "
    "encryption context of each is the record's full name, a dot and the field's name."
)

_UUID = {"type": "string", "format": "uuid"}
_TEXT = {"type": "string"}
_ENVELOPE: dict[str, Node] = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": _UUID | {"description": "The message's name: the same id is the same message."},
    "ce_type": _TEXT | {"description": "The topic's local name."},
    "ce_source": _TEXT | {"description": "/dict-connect/<service> for events."},
    "ce_time": {"type": "string", "format": "date-time"},
    "ce_subject": _TEXT | {"description": "The aggregate's id."},
    "ce_correlationid": _TEXT,
    "ce_causationid": _TEXT | {"description": "The command or event behind this one."},
    "traceparent": _TEXT | {"description": "W3C trace context."},
    "dict_aggregatetype": _TEXT | {"description": "What ce_subject is the id of."},
}
_OF_EVENTS: dict[str, Node] = {
    "ce_sequence": {
        "type": "string",
        "pattern": "^[1-9][0-9]*$",
        "description": "Counts the events of the aggregate over all topics, without gaps.",
    },
    "dict_workflowtype": _TEXT | {"description": "The Temporal workflow behind it."},
    "dict_workflowid": _TEXT,
    "dict_workflowrunid": _TEXT,
}
_OF_DEAD_LETTERS: dict[str, Node] = {
    "dict_reason": _TEXT | {"description": "Why it could not be processed."},
    "dict_detail": _TEXT,
    "dict_consumer": _TEXT | {"description": "The subscription that gave it up."},
    "dict_origintopic": _TEXT,
    "dict_originid": _TEXT | {"description": "Its message id there."},
    "dict_originpublished": {"type": "string", "format": "date-time"},
    "dict_redriven": _TEXT | {"description": "How often it had been given back, if ever."},
    "ce_id": _UUID,
    "ce_subject": _UUID,
}
_OF_REDRIVES: dict[str, Node] = {
    "dict_letter": _TEXT | {"description": "The dead letter's own message id."},
    "dict_redriven": _TEXT | {"description": "How often it was given back, this time included."},
    "dict_consumer": _TEXT | {"description": "The subscription that gave it up."},
    "dict_origintopic": _TEXT,
    "ce_id": _UUID,
    "ce_subject": _UUID,
}
_ABSENT_AT_TIMES = {"dict_redriven", "ce_id", "ce_subject"}
_NEEDED = ("ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "ce_subject")
_HEADERS: dict[str, Node] = {
    "command": {
        "type": "object",
        "required": list(_NEEDED),
        "properties": _ENVELOPE,
    },
    "event": {
        "type": "object",
        "required": [*_NEEDED, "dict_aggregatetype", "ce_sequence"],
        "properties": _ENVELOPE | _OF_EVENTS,
    },
    "deadLetter": {
        "type": "object",
        "required": [name for name in _OF_DEAD_LETTERS if name not in _ABSENT_AT_TIMES],
        "properties": _OF_DEAD_LETTERS,
    },
    "redrive": {
        "type": "object",
        "required": [name for name in _OF_REDRIVES if not name.startswith("ce_")],
        "properties": _OF_REDRIVES,
    },
}
_HEADERS_BY_NAMESPACE = {"commands": "command", DEAD_LETTERS: "deadLetter"}


def document_text(tenant: str = TENANT) -> str:
    """The document as YAML, ready to be written. The same contracts give the same bytes."""
    text = yaml.dump(
        document(tenant),
        Dumper=_WithoutAnchors,
        sort_keys=False,
        allow_unicode=True,
        width=LINE_CHARACTERS_MAX,
    )
    return HEADING + str(text)


def document(tenant: str = TENANT) -> Node:
    """The document as plain values."""
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "DICT Connect",
            "version": version("dict-schemas"),
            "description": _DESCRIPTION,
            "license": {
                "name": "Apache License 2.0",
                "url": "https://www.apache.org/licenses/LICENSE-2.0",
            },
        },
        "defaultContentType": "application/avro",
        "servers": {"pulsar": _server(tenant)},
        "channels": {_id(topic): _channel(topic, tenant) for topic in topics()},
        "operations": dict(_operation(*it) for topic in topics() for it in _parts(topic)),
        "components": {
            "messages": {_id(topic): _message(topic) for topic in topics()},
            "schemas": {f"{name}Headers": headers for name, headers in _HEADERS.items()},
        },
    }


def _id(topic: Topic) -> str:
    return f"{topic.namespace}.{topic.name}"


def _server(tenant: str) -> Node:
    return {
        "host": "{address}",
        "protocol": "pulsar",
        "description": "The broker that DICT_PULSAR_URL names.",
        "variables": {"address": {"default": "127.0.0.1:6650", "description": "host:port"}},
        "bindings": {"pulsar": {"tenant": tenant, "bindingVersion": BINDING_VERSION}},
    }


def _channel(topic: Topic, tenant: str) -> Node:
    namespace = next(known for known in namespaces() if known.name == topic.namespace)
    return {
        "address": topic.full_name(tenant),
        "summary": topic.meaning,
        "description": namespace.meaning,
        "messages": {topic.name: {"$ref": f"#/components/messages/{_id(topic)}"}},
        "servers": [{"$ref": "#/servers/pulsar"}],
        "bindings": {"pulsar": _binding(namespace)},
        "x-partitions": topic.partitions,
        "x-schema-compatibility": namespace.compatibility or "none",
    }


def _binding(namespace: Namespace) -> Node:
    """The binding knows no retention without end: an extension says it."""
    days = namespace.retention_days
    policy: Node = {"x-retention": "for ever"}
    if days is not None:
        minutes = days * MINUTES_PER_DAY
        policy = {"retention": {"time": minutes}, "ttl": minutes * 60}
    return {
        "namespace": namespace.name,
        "persistence": "persistent",
        **policy,
        "deduplication": True,
        "bindingVersion": BINDING_VERSION,
    }


def _message(topic: Topic) -> Node:
    headers = _HEADERS_BY_NAMESPACE.get(topic.namespace, "event")
    if topic.namespace == DEAD_LETTERS and topic.name.endswith(REDRIVE):
        headers = "redrive"
    message: Node = {
        "name": topic.name,
        "summary": topic.meaning,
        "headers": {"$ref": f"#/components/schemas/{headers}Headers"},
        "x-message-key": topic.key,
    }
    if topic.schema is None or topic.version is None:
        sealed = {"type": "string", "format": "binary", "description": "The original, sealed."}
        return message | {"contentType": "application/octet-stream", "payload": sealed}
    definition = avro.definition(topic.schema, topic.version)
    file = f"{SCHEMAS_FROM_DOCS}/{topic.schema}/{topic.version}.avsc"
    return message | {
        "correlationId": {"location": "$message.header#/ce_correlationid"},
        "payload": {"schemaFormat": AVRO_FORMAT, "schema": {"$ref": file}},
        "x-record": avro.record_name(definition),
        "x-sealed-fields": list(avro.pii_fields(definition)),
    }


def _parts(topic: Topic) -> list[tuple[str, str, Topic]]:
    sends = [(who, "send", topic) for who in topic.producers]
    return sends + [(who, "receive", topic) for who in topic.consumers]


def _operation(who: str, action: str, topic: Topic) -> tuple[str, Node]:
    channel = f"#/channels/{_id(topic)}"
    return f"{who}.{action}.{_id(topic)}", {
        "action": action,
        "summary": topic.meaning,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{topic.name}"}],
        "tags": [{"name": who}],
    }


class _WithoutAnchors(yaml.SafeDumper):
    """Repeats what stands twice: anchors make a document hard to read."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True
