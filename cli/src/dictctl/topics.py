"""`dictctl topics`: the broker made equal to `schemas/topics.yaml`."""

import asyncio
from typing import Annotated

import typer

from dict_common.console.environment import shared
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_rows
from dict_schemas.topics import topics as all_topics
from dictctl import topic_plan
from dictctl.pulsar_admin import PulsarAdmin
from dictctl.topic_plan import Difference, TopicPlan

app = typer.Typer(no_args_is_help=True, help="Topics: list, compare with the broker, apply.")

Partitions = Annotated[
    int,
    typer.Option(
        "--partitions-max",
        envvar="DICT_TOPIC_PARTITIONS",
        min=1,
        help="at most this many partitions a topic; production leaves it alone",
    ),
]
PARTITIONS_ANY = 1024


@app.command("list")
def list_(output: Output = Format.TABLE) -> None:
    """Every topic of this release, with what it is for."""
    rows = [
        {
            "topic": f"{topic.namespace}/{topic.name}",
            "partitions": topic.partitions,
            "retention_days": topic.retention_days,
            "schema": f"{topic.schema} v{topic.version}" if topic.schema else None,
            "producers": ", ".join(topic.producers),
            "consumers": ", ".join(topic.consumers),
            "meaning": topic.meaning,
        }
        for topic in all_topics()
    ]
    columns = ("topic", "partitions", "retention_days", "producers", "consumers", "meaning")
    show_rows(rows, output, columns, "no topics")


@app.command()
def diff(output: Output = Format.TABLE, partitions_max: Partitions = PARTITIONS_ANY) -> None:
    """What the broker has otherwise; exit 1 if anything."""
    found = asyncio.run(_differences(partitions_max))
    rows = [vars(difference) for difference in found]
    show_rows(rows, output, ("where", "what", "wanted", "found"), "the broker is as it should be")
    if found:
        raise CommandFailed(Exit.FAILED, f"{len(found)} differences", "dictctl topics apply")


@app.command()
def apply(partitions_max: Partitions = PARTITIONS_ANY) -> None:
    """Makes tenant, namespaces, policies, topics and schemas; doing it again does nothing."""
    done, left = asyncio.run(_apply(partitions_max))
    for line in done:
        say(f"made {line}")
    if not done:
        say("nothing to do")
    for difference in left:
        say(
            f"left alone: {difference.where} has {difference.what} {difference.found}, "
            f"wanted {difference.wanted}"
        )
    if any(difference.what == "partitions" for difference in left):
        raise CommandFailed(
            Exit.CONFLICT,
            "a partitioned topic keeps its number of partitions: keys would lose their order",
            "dictctl topics diff",
        )


async def _differences(partitions_max: int) -> tuple[Difference, ...]:
    settings = shared()
    async with PulsarAdmin(settings.pulsar_admin_url) as admin:
        plan = TopicPlan(settings.pulsar_tenant, partitions_max)
        return await topic_plan.differences(admin, plan)


async def _apply(partitions_max: int) -> tuple[tuple[str, ...], tuple[Difference, ...]]:
    settings = shared()
    async with PulsarAdmin(settings.pulsar_admin_url) as admin:
        plan = TopicPlan(settings.pulsar_tenant, partitions_max)
        done = await topic_plan.apply(admin, plan)
        return done, await topic_plan.differences(admin, plan) if done else ()
