"""Names that Temporal keeps in histories, read once from `temporal.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import yaml

from dict_schemas.location import contracts_folder


@dataclass(frozen=True)
class TemporalNames:
    """`search_attributes`: name → Temporal's type name (`Keyword`, `Datetime`)."""

    namespace: str
    task_queue: str
    workflows: tuple[str, ...]
    activities: tuple[str, ...]
    signals: tuple[str, ...]
    updates: tuple[str, ...]
    queries: tuple[str, ...]
    search_attributes: Mapping[str, str]
    vsync_task_queue: str
    vsync_workflows: tuple[str, ...]
    vsync_activities: tuple[str, ...]


@cache
def temporal_names() -> TemporalNames:
    """The names of this release."""
    text = (contracts_folder() / "temporal.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    return TemporalNames(
        namespace=document["namespace"],
        task_queue=document["task_queue"],
        workflows=tuple(document["workflows"]),
        activities=tuple(document["activities"]),
        signals=tuple(document["signals"]),
        updates=tuple(document["updates"]),
        queries=tuple(document["queries"]),
        search_attributes=MappingProxyType(document["search_attributes"]),
        vsync_task_queue=document["vsync_task_queue"],
        vsync_workflows=tuple(document["vsync_workflows"]),
        vsync_activities=tuple(document["vsync_activities"]),
    )
