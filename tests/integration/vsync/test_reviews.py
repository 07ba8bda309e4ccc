"""ReviewStore over PostgreSQL: a review, its entry and what is told commit together."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from devstack.stack import Stack
from dict_common.kernel.errors import InputRefused
from dict_common.ports.inbox import Seen
from dict_common.store.database import Database, PoolSize
from dict_common.store.queries import Query, load_queries
from tests.support.entry_store_suite import becomes, key
from tests.support.sync_store_suite import NOON, a_set, an_entry, an_event
from tests.support.world import make_world
from vsync.adapters.postgres_entry_store import PostgresEntryStore
from vsync.adapters.postgres_reviews import PostgresReviews
from vsync.adapters.postgres_runs import PostgresRuns
from vsync.application.ports import Met, OpenedReview, Papers, Written
from vsync.application.review_ports import InReview, ReviewWritten
from vsync.domain.entry import Entry, deleted, excluded, registered
from vsync.domain.precedence import Report, Source
from vsync.domain.review import Decision, ReviewStatus, decided, reopened, resolved

DICT = Report(Source.DICT, 7, NOON)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Database]:
    """A pool in a world."""
    with (
        make_world(stack, Path(tmp_path_factory.mktemp("reviews"))) as world,
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setenv("PGPASSFILE", world.environment["PGPASSFILE"])
        url = world.environment["DICT_POSTGRES_URL"]
        made = await Database.open(url, "vsync", PoolSize(1, 5))
        yield made
        await made.close()


async def opened(database: Database) -> tuple[UUID, Entry, Papers]:
    """An entry in review."""
    store = PostgresEntryStore(database)
    entry, papers = an_entry(a_set())
    await store.accept(key(), entry.entry_id, None, becomes(entry, papers))
    review_id, cid = uuid4(), entry.cid
    assert cid is not None
    event = an_event(review_id, "review.opened")
    waits = OpenedReview(
        review_id,
        papers.sealed,
        papers.key_hash,
        cid,
        uuid4(),
        "MISSING_BACEN",
        NOON,
        NOON,
        (event,),
    )

    async def exclude(_: Met) -> Written:
        return Written("IN_REVIEW", excluded(entry, review_id), opens=waits)

    await store.accept(key(), entry.entry_id, None, exclude)
    return review_id, excluded(entry, review_id), papers


async def sequences(database: Database, about: UUID) -> list[int]:
    """Of the events of an aggregate that wait to be sent."""
    query = Query(
        "told", "SELECT sequence FROM connect.outbox WHERE message_key = $1 ORDER BY sequence"
    )
    return [row["sequence"] for row in await database.fetch(query, (str(about),))]


async def test_a_review_is_met_with_its_entry(database: Database) -> None:
    review_id, entry, papers = await opened(database)
    found = await PostgresReviews(database).look(review_id)
    assert found is not None
    assert (found.review.status, found.entry) == (ReviewStatus.PENDING, entry)
    assert found.sealed == papers.sealed
    assert await PostgresReviews(database).look(uuid4()) is None


async def test_a_decision_is_stored_once_and_stays_open_until_it_is_handed_over(
    database: Database,
) -> None:
    store = PostgresReviews(database)
    review_id, _, _ = await opened(database)
    command, request_id, acted = key(), uuid4(), uuid4()

    async def keep(found: InReview) -> ReviewWritten:
        step = decided(found.review, Decision.KEEP, "operator-1")
        return ReviewWritten(
            step.review,
            others=(an_event(acted, "operator.acted"),),
            decided_by=step.decided_by,
            request_id=request_id,
            at=NOON,
        )

    assert await store.decide(command, review_id, keep)
    assert not await store.decide(command, review_id, keep)
    assert await store.seen(command) is Seen.OPEN
    found = await store.look(review_id)
    assert found is not None
    assert (found.review.status, found.review.keeps) == (ReviewStatus.KEEPING, 1)
    assert (found.request_id, found.review.reviewed_by) == (request_id, "operator-1")
    assert await sequences(database, acted) == [1]


async def test_an_unknown_review_is_refused_and_the_command_not_taken(database: Database) -> None:
    store, command = PostgresReviews(database), key()

    async def never(_: InReview) -> ReviewWritten:
        raise AssertionError("there is no such review")

    with pytest.raises(InputRefused, match="review-unknown"):
        await store.decide(command, uuid4(), never)
    assert await store.seen(command) is Seen.NEW


async def test_a_deletion_leaves_a_tombstone_and_a_resolved_review(database: Database) -> None:
    store = PostgresReviews(database)
    review_id, entry, _ = await opened(database)

    async def delete(found: InReview) -> ReviewWritten:
        return ReviewWritten(
            resolved(found.review),
            entry=deleted(found.entry, DICT),
            entry_events=(an_event(entry.entry_id, "entry.deleted"),),
            review_events=(an_event(review_id, "review.resolved"),),
            decided_by=("operator-1", "operator-2"),
            at=NOON,
        )

    await store.change(review_id, uuid4(), delete)
    found = await store.look(review_id)
    assert found is not None
    assert (found.review.status, found.entry.review_id) == (ReviewStatus.RESOLVED, None)
    assert (found.entry.cid, found.sealed) == (None, None)
    assert await sequences(database, review_id) == [1, 2]
    row = await database.fetch_row(
        Query(
            "review",
            "SELECT action_taken, decided_by, key_encrypted FROM vsync.manual_review_queue "
            "WHERE id = $1",
        ),
        (review_id,),
    )
    assert row is not None
    assert tuple(row) == ("DELETED", ["operator-1", "operator-2"], None)


async def test_a_registration_brings_the_entry_back_or_opens_the_review_again(
    database: Database,
) -> None:
    store = PostgresReviews(database)
    review_id, entry, papers = await opened(database)
    again, cid = uuid4(), uuid4().bytes * 2

    async def refuse(found: InReview) -> ReviewWritten:
        events = (an_event(review_id, "review.opened"),)
        return ReviewWritten(
            reopened(found.review), review_events=events, reason="EntryAlreadyExists", at=NOON
        )

    await store.change(review_id, again, refuse)
    found = await store.look(review_id)
    assert found is not None
    assert (found.review.status, found.entry) == (ReviewStatus.PENDING, entry)

    async def keep(found: InReview) -> ReviewWritten:
        return ReviewWritten(
            resolved(found.review),
            entry=registered(found.entry, cid, DICT),
            papers=papers,
            review_events=(an_event(review_id, "review.resolved"),),
            at=NOON,
        )

    await store.change(review_id, again, keep)
    found = await store.look(review_id)
    assert found is not None
    assert (found.entry.cid, found.entry.review_id) == (cid, None)
    assert found.entry == replace(registered(entry, cid, DICT))
    local = await PostgresRuns(database).local_vsync(entry.set)
    assert (local.vsync, local.keys, local.fold_differed) == (cid, 1, False)
    assert await sequences(database, review_id) == [1, 2, 3]


async def test_every_statement_is_one_to_postgresql(database: Database) -> None:
    async with database.connection() as connection:
        for query in load_queries("vsync.adapters", "reviews").values():
            await connection.prepare(query.sql)
