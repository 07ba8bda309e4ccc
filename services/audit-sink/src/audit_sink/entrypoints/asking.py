"""What a person types to find events: options, checked before anything is asked."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, get_type_hints
from uuid import UUID

import typer

from audit_sink.domain.audit_row import LENGTHS_MAX
from audit_sink.domain.criteria import Criteria
from dict_common.console.failures import CommandFailed, Exit
from dict_common.kernel.clock import from_rfc3339
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.participant import ispb
from dict_schemas import avro
from dict_schemas.topics import EVENTS, event_topics, topic

HELP = "dictctl audit search -h"
NEAR_MAX = 4
NEAR_CUTOFF = 0.4
_FROM_FIELD = "field:"

Claim = Annotated[
    str,
    typer.Option("--claim", metavar="CLAIM_ID", help="its events, and refused commands about it"),
]
Participant = Annotated[str, typer.Option("--participant", metavar="ISPB")]
Type = Annotated[
    str, typer.Option("--type", help="CloudEvents type (claim.created) or event_type (STARTED)")
]
Correlation = Annotated[str, typer.Option("--correlation", metavar="ID")]
Workflow = Annotated[str, typer.Option("--workflow", metavar="WORKFLOW_ID")]
Event = Annotated[str, typer.Option("--event", metavar="EVENT_ID", help="this one event")]
Aggregate = Annotated[str, typer.Option("--aggregate", metavar="TYPE/ID", help="such as claim/ID")]
Since = Annotated[
    str, typer.Option("--from", metavar="TIME", help="from here on; a date or RFC 3339, UTC")
]
Until = Annotated[str, typer.Option("--to", metavar="TIME", help="before it; not itself")]


@dataclass(frozen=True)
class Typed:
    """The options of a search as they were typed; "" is not given."""

    claim: Claim = ""
    participant: Participant = ""
    type_: Type = ""
    correlation: Correlation = ""
    workflow: Workflow = ""
    event: Event = ""
    aggregate: Aggregate = ""
    since: Since = ""
    until: Until = ""

    def criteria(self, *, something: bool) -> Criteria:
        """What is asked. Raises CommandFailed; `something`: also where nothing is."""
        types = events_types()
        subtype, event_type = _type(self.type_, *types)
        aggregate_type, aggregate_id = _aggregate(self.aggregate)
        try:
            asked = Criteria(
                claim=str(_uuid(self.claim, "--claim")) if self.claim else None,
                participant=ispb(self.participant, "--participant") if self.participant else None,
                subtype=subtype,
                event_type=event_type,
                correlation=_text(self.correlation, "--correlation", "correlation_id"),
                workflow=_text(self.workflow, "--workflow", "workflow_id"),
                event=_uuid(self.event, "--event") if self.event else None,
                aggregate_type=aggregate_type,
                aggregate_id=aggregate_id,
                since=instant(self.since, "--from"),
                until=instant(self.until, "--to"),
            )
        except InputRefused as error:
            raise CommandFailed(Exit.USAGE, error.detail, HELP) from None
        if something and asked.empty:
            raise CommandFailed(
                Exit.USAGE, "what for? Give at least one option, or a time with --from", HELP
            )
        return asked


def with_criteria(command: Callable[..., None]) -> Callable[..., None]:
    """The command with Typed's options before its own, for Typer to find.

    `command` takes a Typed first.
    """
    hints = get_type_hints(Typed, include_extras=True)
    options = [
        Parameter(it.name, Parameter.KEYWORD_ONLY, default=it.default, annotation=hints[it.name])
        for it in fields(Typed)
    ]
    _, *own = signature(command).parameters.values()
    own = [it.replace(kind=Parameter.KEYWORD_ONLY) for it in own]

    def run(**given: Any) -> None:
        typed = Typed(**{it.name: given.pop(it.name) for it in fields(Typed)})
        command(typed, **given)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = Signature([*options, *own])  # type: ignore[attr-defined]
    run.__annotations__ = {it.name: it.annotation for it in (*options, *own)}
    return run


def after_of(text: str) -> UUID | None:
    """The event that a page follows. Raises CommandFailed."""
    return _uuid(text, "--after") if text else None


def events_types() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """CloudEvents types and the seeds' event types that this release knows."""
    names = event_topics()
    seeds = {type_ for name in names for type_ in _event_types(name)}
    return tuple(sorted(names)), tuple(sorted(seeds))


def _event_types(name: str) -> list[str]:
    declared = topic(EVENTS, name).event_type or name
    if not declared.startswith(_FROM_FIELD):
        return [declared]
    field = declared.removeprefix(_FROM_FIELD)
    known = avro.definition(name, avro.latest(name))
    (kind,) = (it["type"] for it in avro.fields(known) if it["name"] == field)
    assert isinstance(kind, dict), f"{name}.{field} must be an enum"
    return [str(symbol) for symbol in kind["symbols"]]


def _type(
    text: str, subtypes: tuple[str, ...], event_types: tuple[str, ...]
) -> tuple[str | None, str | None]:
    if not text:
        return None, None
    if text in subtypes:
        return text, None
    if text in event_types:
        return None, text
    names = {name.lower(): name for name in (*subtypes, *event_types)}
    near = get_close_matches(text.lower(), names, NEAR_MAX, NEAR_CUTOFF) or sorted(names)
    raise CommandFailed(
        Exit.USAGE,
        f"no event is of type {text!r}; known are {', '.join(names[it] for it in near)}",
        HELP,
    )


def _aggregate(text: str) -> tuple[str | None, str | None]:
    if not text:
        return None, None
    kind, slash, id_ = text.partition("/")
    if not (kind and slash and id_):
        raise CommandFailed(
            Exit.USAGE, f"--aggregate must be TYPE/ID such as claim/CLAIM_ID, not {text!r}", HELP
        )
    return (
        _text(kind, "--aggregate", "aggregate_type"),
        _text(id_, "--aggregate", "aggregate_id"),
    )


def _text(text: str, option: str, column: str) -> str | None:
    if len(text) > LENGTHS_MAX[column] or not text.isprintable():
        raise CommandFailed(
            Exit.USAGE, f"{option}: at most {LENGTHS_MAX[column]} printable characters", HELP
        )
    return text or None


def _uuid(text: str, option: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise CommandFailed(Exit.USAGE, f"{option} must be a UUID, not {text!r}", HELP) from None


def instant(text: str, option: str) -> datetime | None:
    """The time that was typed, None for nothing. Raises CommandFailed."""
    if not text:
        return None
    found = from_rfc3339(text) if "T" in text.upper() else _midnight(text)
    if found is None:
        raise CommandFailed(
            Exit.USAGE,
            f"{option} must be a date or a time with its zone, such as 2026-01-31 or "
            f"2026-01-31T12:00:00Z, not {text!r}",
            HELP,
        )
    return found


def _midnight(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        return None
