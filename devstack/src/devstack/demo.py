"""`./dev demo`: the whole stack, its stories, and the promises checked at the end."""

import asyncio
import threading
import time
from collections.abc import Mapping

import asyncpg
import pulsar
from rich.console import Console

from devstack.cast import PERSONAL
from devstack.failures import StackFailure
from devstack.fetch.view import fetch_quietly
from devstack.planted import look_for
from devstack.promises import SHOWN_MAX, Promise, keep_promises, outbox_rows
from devstack.stack import Stack
from devstack.story import DAY_SECONDS, StoryContext, StoryFailed
from devstack.storybook import load_stories
from devstack.telling import LOOK_SECONDS, wait_for

SETTLE_LOOKS_MAX = 20


def tell(stack: Stack, console: Console) -> None:
    """Brings the stack up and tells every story. Raises StackFailure if anything is off."""
    stack.up(day_seconds=DAY_SECONDS)
    context, stories = StoryContext(stack, console), load_stories()
    for story in stories:
        if story.begin is not None:
            story.begin(context)
    for number, story in enumerate(stories, start=1):
        console.rule(f"Story {number}: {story.title}", align="left")
        story.run(context)
    console.rule("What the product promises", align="left")
    environment = stack.environment()
    promises = check_promises(environment, stack)
    for promise in promises:
        mark = "[green]holds[/green]" if not promise.broken else "[red]BROKEN[/red]"
        console.print(f"{promise.name:<4} {mark}  {promise.text} ({promise.seen})")
        for line in promise.broken[:SHOWN_MAX]:
            console.print(f"       {line}", markup=False)
    broken = [promise.name for promise in promises if promise.broken]
    if broken:
        raise StoryFailed(f"Broken: {', '.join(broken)}. Logs: ./dev logs")
    _show_what_next(console, environment)


def check_promises(environment: Mapping[str, str], stack: Stack) -> tuple[Promise, ...]:
    """All promises of this release, once the system is quiet. Raises StackFailure."""
    try:
        wait_for(lambda: asyncio.run(outbox_rows(environment)) == 0 or None, "an empty outbox")
        kept = _settled(environment)
        tools = fetch_quietly(threading.Event(), frozenset())
        pg_dump = tools.postgres_bin / "pg_dump"
        return (*kept, look_for(PERSONAL, environment, stack.run.root, pg_dump))
    except (OSError, asyncpg.PostgresError, pulsar.PulsarException) as error:
        raise StackFailure(f"The promises could not be checked: {error}") from error


def _settled(environment: Mapping[str, str]) -> tuple[Promise, ...]:
    """Promises over events on their way look broken: they count when a while did not help."""
    promises = asyncio.run(keep_promises(environment))
    for _ in range(SETTLE_LOOKS_MAX):
        if not any(promise.broken for promise in promises):
            break
        time.sleep(LOOK_SECONDS)
        promises = asyncio.run(keep_promises(environment))
    return promises


def _show_what_next(console: Console, environment: Mapping[str, str]) -> None:
    console.rule("Look around", align="left")
    ui = environment.get("DICT_TEMPORAL_UI_URL")
    if ui:
        console.print(f"Temporal's UI        {ui}/namespaces/dict/workflows")
    console.print(
        "All claims           ./dev run dictctl claim list\n"
        "A claim of yours     ./dev run dictctl claim create --template > claim.json\n"
        "                     ./dev run dictctl claim create --file claim.json\n"
        "Follow it            ./dev run dictctl claim watch ID\n"
        "What audit has       ./dev run dictctl audit search --claim ID -o json\n"
        "What went wrong      ./dev run dictctl dlq list\n"
        "What runs            ./dev status        and to stop it: ./dev down",
        markup=False,
    )
