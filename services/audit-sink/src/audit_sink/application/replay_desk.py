"""Replays at an operator's request: taken, held, ended. The replayer does the rest by the row.

One transaction: inbox row, the replay's row, `operator.acted`. Nothing is left to carry out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from audit_sink.domain.positions import Published
from audit_sink.domain.replay import CHANGES, DROPS, Sandbox, State, Verb, allowed
from dict_common.intake.events import OperatorActed
from dict_common.intake.operators import acted, reason_in, require_subject
from dict_common.kernel.errors import InputRefused
from dict_common.kernel.fields import member
from dict_common.ports.inbox import CommandInbox, Delivery, InboxKey
from dict_common.ports.outgoing import EventComposer, OutgoingEvent

SOURCE = "/dict-connect/audit-desk"
TARGET_TYPE = "replay"
ACTIVE_MAX = 16
"""Replays that have not ended; each has rows, readers and a share of the database."""


@dataclass(frozen=True)
class Replay:
    """What is to be read again, and where to."""

    topics: tuple[str, ...]
    published: Published
    sandbox: bool


@dataclass(frozen=True)
class Request:
    """A valid request. `replay`: for REPLAY_START alone."""

    verb: Verb
    run_id: UUID
    reason: str
    replay: Replay | None
    dry_run: bool


@dataclass(frozen=True)
class Known:
    """A replay as it stands."""

    state: State
    sandbox: Sandbox | None


@dataclass(frozen=True)
class Change:
    """What a request makes of a replay that still stands as `before`."""

    run_id: UUID
    before: Known
    after: Known


class ReplayOrders(CommandInbox, Protocol):
    """connect.replays and the inbox, over one database. Blocks; raises Unavailable."""

    async def known(self, run_id: UUID) -> Known | None:
        """The replay of that id."""

    async def active(self) -> int:
        """How many have not ended."""

    async def begin(
        self,
        request: InboxKey,
        replay: Replay | None,
        asked_by: tuple[str, str],
        events: Sequence[OutgoingEvent],
    ) -> None:
        """Inbox row (outcome NULL), the replay under the request's id, and the events, in one
        transaction. `asked_by`: operator and reason. None: a dry run. Once.

        Raises InputRefused `replays-too-many`, however many begin at once.
        """

    async def change(
        self, request: InboxKey, change: Change | None, events: Sequence[OutgoingEvent]
    ) -> None:
        """As `begin`. Raises Unavailable if the replay moved meanwhile: then nothing is stored."""


def require_room(active: int) -> None:
    """Raises InputRefused where one replay more were too many."""
    if active >= ACTIVE_MAX:
        raise InputRefused(
            "replays-too-many", f"{ACTIVE_MAX} replays have not ended: cancel one, or wait"
        )


class ReplayDesk:
    """The act behind the operators' door."""

    def __init__(
        self, orders: ReplayOrders, composer: EventComposer, topics: frozenset[str]
    ) -> None:
        """`topics`: of dict/events, those that this release knows."""
        self._orders = orders
        self._composer = composer
        self._topics = topics

    def read(self, delivery: Delivery, record: Mapping[str, object]) -> Request:
        """Raises InputRefused with the word that is wrong."""
        verb = member(Verb, record, "verb")
        target = str(record.get("target") or "")
        require_subject(delivery, target.lower())
        starts = verb is Verb.REPLAY_START
        run_id = _run_id(target)
        if starts and run_id != delivery.envelope.id:
            raise InputRefused("run-id-differs", "a replay's run id must be the ce_id of its start")
        return Request(
            verb=verb,
            run_id=run_id,
            reason=reason_in(record),
            replay=self._replay(record) if starts else None,
            dry_run=record.get("dry_run") is True,
        )

    async def accept(self, delivery: Delivery, request: Request, operator: str) -> None:
        """Raises InputRefused for what the replay's state does not allow."""
        if request.replay is not None:
            require_room(await self._orders.active())
            await self._orders.begin(
                delivery.key,
                None if request.dry_run else request.replay,
                (operator, request.reason),
                await self._told(delivery, request, operator),
            )
            return
        change = await self._change(request)
        events = await self._told(delivery, request, operator)
        await self._orders.change(delivery.key, None if request.dry_run else change, events)

    async def carry_out(self, _delivery: Delivery, request: Request) -> str:
        """The row says it all."""
        return request.verb.lower().replace("_", "-")

    async def _change(self, request: Request) -> Change:
        before = await self._orders.known(request.run_id)
        if before is None:
            raise InputRefused(
                "replay-unknown", f"no replay is named {request.run_id}: dictctl replay status"
            )
        after = CHANGES.get((request.verb, before.state))
        if after is None:
            may = ", ".join(allowed(before.state)) or "nothing"
            raise InputRefused(
                "replay-state", f"the replay is {before.state}; then may be asked: {may}"
            )
        sandbox = before.sandbox
        if request.verb in DROPS and sandbox is Sandbox.THERE:
            sandbox = Sandbox.TO_DROP
        elif request.verb is Verb.REPLAY_DROP:
            raise InputRefused("sandbox-missing", "the replay has no sandbox that could be dropped")
        return Change(request.run_id, before, Known(after, sandbox))

    async def _told(
        self, delivery: Delivery, request: Request, operator: str
    ) -> tuple[OutgoingEvent, ...]:
        replay = request.replay
        event = OperatorActed(
            request_id=str(delivery.envelope.id),
            verb=request.verb,
            target_type=TARGET_TYPE,
            target_id=str(request.run_id),
            operator=operator,
            reason=request.reason,
            outcome="would-be-accepted" if request.dry_run else "accepted",
            dry_run=request.dry_run,
            acted_at=delivery.published_at,
            topics=replay.topics if replay else None,
            published_from=replay.published.since if replay else None,
            published_until=replay.published.until if replay else None,
            sandbox=replay.sandbox if replay else None,
        )
        return await self._composer.compose(acted(SOURCE, delivery, event))

    def _replay(self, record: Mapping[str, object]) -> Replay:
        named = record.get("topics")
        if not isinstance(named, list) or not named:
            raise InputRefused("field-missing", "topics must name at least one topic")
        topics = tuple(dict.fromkeys(str(topic) for topic in named))
        if not self._topics.issuperset(topics):
            raise InputRefused(
                "topic-unknown", "topics must be names of dict/events that this release knows"
            )
        since, until = _instant(record, "published_from"), _instant(record, "published_until")
        if since and until and since >= until:
            raise InputRefused("time-range-empty", "published_from must be before published_until")
        return Replay(topics, Published(since, until), record.get("sandbox") is True)


def _run_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InputRefused("run-id-invalid", "target must be a replay's run id, a UUID") from None


def _instant(record: Mapping[str, object], field: str) -> datetime | None:
    value = record.get(field)
    return value if isinstance(value, datetime) else None
