"""What the broker should hold by `topics.yaml`, what it holds, and the steps between."""

import asyncio
import json
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from dict_schemas import avro
from dict_schemas.topics import Namespace, Topic, namespaces, topics
from dictctl.pulsar_admin import PulsarAdmin

MINUTES_PER_DAY = 24 * 60
FOR_EVER = -1


@dataclass(frozen=True)
class Difference:
    """One thing that the broker has otherwise. `changeable`: `topics apply` can mend it."""

    where: str
    what: str
    wanted: str
    found: str
    changeable: bool = True


@dataclass(frozen=True)
class TopicPlan:
    """The wanted state of a tenant. `partitions_max`: a laptop has fewer than production."""

    tenant: str
    partitions_max: int

    def partitions(self, topic: Topic) -> int:
        """How many partitions a topic shall have."""
        return min(topic.partitions, self.partitions_max)


async def apply(admin: PulsarAdmin, plan: TopicPlan) -> tuple[str, ...]:
    """Makes what is missing and mends what differs; answers what it did.

    Raises AdminRefused for the first thing that the broker refuses.
    """
    done: list[str] = []
    clusters = await admin.get("/clusters") or []
    tenant = {"adminRoles": [], "allowedClusters": clusters}
    if await admin.put_missing(f"/tenants/{plan.tenant}", tenant, f"make tenant {plan.tenant}"):
        done.append(f"tenant {plan.tenant}")
    for found in await asyncio.gather(*(_apply_namespace(admin, plan, it) for it in namespaces())):
        done += found
    for made in await asyncio.gather(*(_apply_topic(admin, plan, it) for it in topics())):
        done += made
    return tuple(done)


async def differences(admin: PulsarAdmin, plan: TopicPlan) -> tuple[Difference, ...]:
    """Everything that `apply` would change, and what it cannot."""
    checks: list[Awaitable[list[Difference]]] = [
        *(_namespace_differences(admin, plan, it) for it in namespaces()),
        *(_topic_differences(admin, plan, it) for it in topics()),
        *(_strangers(admin, plan, it) for it in namespaces()),
    ]
    return tuple(found for group in await asyncio.gather(*checks) for found in group)


def policies(namespace: Namespace) -> dict[str, object]:
    """Namespace policies by their admin path. Retention and TTL count days; None is for ever."""
    days = namespace.retention_days
    minutes = FOR_EVER if days is None else days * MINUTES_PER_DAY
    wanted: dict[str, object] = {
        "retention": {"retentionTimeInMinutes": minutes, "retentionSizeInMB": FOR_EVER},
        "deduplication": True,
    }
    if days is not None:
        # Sealed personal data in commands and copies is gone after this, read or not.
        wanted["messageTTL"] = days * MINUTES_PER_DAY * 60
    if namespace.compatibility is not None:
        wanted["schemaCompatibilityStrategy"] = namespace.compatibility
        wanted["schemaValidationEnforced"] = True
        wanted["isAllowAutoUpdateSchema"] = False
    return wanted


_METHODS = {"schemaCompatibilityStrategy": "PUT"}


async def _apply_namespace(admin: PulsarAdmin, plan: TopicPlan, namespace: Namespace) -> list[str]:
    path = f"/namespaces/{plan.tenant}/{namespace.name}"
    done = []
    if await admin.put_missing(path, {}, f"make namespace {namespace.name}"):
        done.append(f"namespace {plan.tenant}/{namespace.name}")
    for difference in await _namespace_differences(admin, plan, namespace):
        await admin.send(
            _METHODS.get(difference.what, "POST"),
            f"{path}/{difference.what}",
            policies(namespace)[difference.what],
            f"set {difference.what} of {namespace.name}",
        )
        done.append(f"{namespace.name}: {difference.what} = {difference.wanted}")
    return done


async def _namespace_differences(
    admin: PulsarAdmin, plan: TopicPlan, namespace: Namespace
) -> list[Difference]:
    path = f"/namespaces/{plan.tenant}/{namespace.name}"
    found = []
    for name, wanted in policies(namespace).items():
        present = await admin.get(f"{path}/{name}")
        if present != wanted:
            found.append(Difference(path[12:], name, json.dumps(wanted), json.dumps(present)))
    return found


async def _apply_topic(admin: PulsarAdmin, plan: TopicPlan, topic: Topic) -> list[str]:
    done = []
    name = f"{plan.tenant}/{topic.namespace}/{topic.name}"
    for difference in await _topic_differences(admin, plan, topic):
        if difference.what == "partitions" and difference.changeable:
            await admin.send(
                "PUT",
                f"/persistent/{name}/partitions",
                plan.partitions(topic),
                f"make topic {name}",
            )
            done.append(f"topic {name}")
        elif difference.what == "schema":
            await admin.send(
                "POST", f"/schemas/{name}/schema", _schema(topic), f"take the schema of {name}"
            )
            done.append(f"schema {topic.schema} version {topic.version} on {name}")
    return done


async def _topic_differences(admin: PulsarAdmin, plan: TopicPlan, topic: Topic) -> list[Difference]:
    name = f"{plan.tenant}/{topic.namespace}/{topic.name}"
    metadata: Any = await admin.get(f"/persistent/{name}/partitions") or {}
    partitions, wanted = int(metadata.get("partitions", 0)), plan.partitions(topic)
    found = []
    if partitions != wanted:
        # A partitioned topic never changes its number: keys would move and lose their order.
        found.append(Difference(name, "partitions", str(wanted), str(partitions), partitions == 0))
    if topic.schema is not None and topic.version is not None:
        present = (await admin.get(f"/schemas/{name}/schema") if partitions else None) or {}
        data = json.loads(present.get("data", "null"))
        if data != avro.definition(topic.schema, topic.version):
            version = "none" if data is None else f"broker version {present.get('version')}"
            found.append(Difference(name, "schema", f"version {topic.version}", version))
    return found


async def _strangers(admin: PulsarAdmin, plan: TopicPlan, namespace: Namespace) -> list[Difference]:
    known = {it.full_name(plan.tenant) for it in topics() if it.namespace == namespace.name}
    path = f"/persistent/{plan.tenant}/{namespace.name}/partitioned"
    present: list[str] = await admin.get(path) or []
    return [
        Difference(name.removeprefix("persistent://"), "topic", "none", "exists", changeable=False)
        for name in present
        if name not in known
    ]


def _schema(topic: Topic) -> dict[str, object]:
    assert topic.schema is not None
    assert topic.version is not None
    text = json.dumps(avro.definition(topic.schema, topic.version))
    return {"type": "AVRO", "schema": text, "properties": {}}
