"""`./dev run python -m tests.faults --seeds A-B [--resume]`: seeds on real servers, side by side.

One lane for seeds that kill servers, on a stack of its own, others for the rest. Each lane makes a
world and uses it for several seeds; a broken seed keeps its world's logs and ends that world.
"""

import argparse
import asyncio
import queue
import shutil
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devstack.fetch.view import fetch_quietly
from devstack.layout import repository
from devstack.planted import look_for, look_in_files
from devstack.stack import Stack
from tests.faults.kinds import KINDS, Kind
from tests.faults.plan import is_for_servers
from tests.faults.results import Line, append, commit_of, seeds_done

SEEDS_A_WORLD = 12
BROKEN = "BROKEN"
"""A file in the folder of a world that is kept."""


@dataclass
class Batch:
    """What all lanes share."""

    kind: Kind
    folder: Path
    commit: str
    results: Path
    turn: threading.Lock = field(default_factory=threading.Lock)
    broken: list[str] = field(default_factory=list)

    def tell(self, line: Line) -> None:
        """Prints a seed's line, and keeps it."""
        with self.turn:
            print(line, flush=True)  # noqa: T201
            for what in line.broken:
                print(f"    {what}", flush=True)  # noqa: T201
            append(self.results, line)

    def complain(self, what: str) -> None:
        """Something that makes the run fail."""
        with self.turn:
            print(what, flush=True)  # noqa: T201
            self.broken.append(what)


def main(words: Sequence[str]) -> int:
    """0 when every seed is well and no planted value was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seeds", required=True, help="A-B, both included, or one seed")
    parser.add_argument("--kind", choices=sorted(KINDS), default="claims", help="what it is about")
    parser.add_argument("--resume", action="store_true", help="leave out seeds this commit has")
    parser.add_argument("--results", type=Path, help="where lines are added")
    parser.add_argument("--lanes", type=int, default=2, help="beside the one that kills servers")
    parser.add_argument("--keep-stack", action="store_true", help="leave the servers running")
    parser.add_argument("--plan", action="store_true", help="print the plans, run nothing")
    given = parser.parse_args(words)
    first, _, last = given.seeds.partition("-")
    seeds = list(range(int(first), int(last or first) + 1))
    kind = KINDS[given.kind]
    if given.plan:
        for seed in seeds:
            print(kind.plan_of(seed))  # noqa: T201
        return 0
    folder = repository() / ".devstack" / "faults"
    results = given.results or folder / f"{given.kind}.md"
    batch = Batch(kind, folder, commit_of(repository()), results)
    if given.resume:
        seeds = [seed for seed in seeds if seed not in seeds_done(results, batch.commit)]
    plain = [seed for seed in seeds if not is_for_servers(seed)]
    servers = [seed for seed in seeds if is_for_servers(seed)]
    shutil.rmtree(folder / "worlds", ignore_errors=True)
    with ThreadPoolExecutor(max_workers=2) as pool:
        jobs = [
            pool.submit(_group, batch, name, chosen, lanes, keep=given.keep_stack)
            for name, chosen, lanes in (("shared", plain, given.lanes), ("servers", servers, 1))
            if chosen
        ]
        for job in jobs:
            job.result()
    return 1 if batch.broken else 0


def _group(batch: Batch, name: str, seeds: Sequence[int], lanes: int, *, keep: bool) -> None:
    """Seeds that share a stack."""
    stack = Stack(batch.folder / name, fetch=fetch_quietly)
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for seed in seeds:
        waiting.put(seed)
    try:
        stack.up(infrastructure_only=True)
        with ThreadPoolExecutor(max_workers=lanes) as pool:
            jobs = [pool.submit(_lane, batch, stack, f"{name}-{n}", waiting) for n in range(lanes)]
            for job in jobs:
                job.result()
        found = look_in_files(_planted(batch, seeds), stack.run.root)
        for what in found:
            batch.complain(f"P12 broken: {what} of {name}")
    finally:
        if not keep:
            stack.down()


def _lane(batch: Batch, stack: Stack, name: str, waiting: "queue.SimpleQueue[int]") -> None:
    """World after world until no seed waits."""
    number = 0
    while not waiting.empty():
        number += 1
        folder = batch.folder / "worlds" / f"{name}-{number}"
        folder.mkdir(parents=True)
        stack.up(infrastructure_only=True)  # a broken seed may have left a server dead
        try:
            with batch.kind.make_stage(stack, folder, name.startswith("servers")) as stage:
                _in_world(batch, stage, waiting)
        except Exception as problem:  # noqa: BLE001 a lane that ends here plays no other seed
            batch.complain(f"world {folder.name}: {type(problem).__name__}: {problem}")
        else:
            if not (folder / BROKEN).exists():
                shutil.rmtree(folder)


def _in_world(batch: Batch, stage: Any, waiting: "queue.SimpleQueue[int]") -> None:
    """Up to so many seeds; none after a broken one."""
    played: list[int] = []
    while len(played) < SEEDS_A_WORLD:
        try:
            seed = waiting.get_nowait()
        except queue.Empty:
            break
        played.append(seed)
        line = asyncio.run(batch.kind.run_seed(seed, stage, batch.commit))
        batch.tell(line)
        if line.broken:
            kept = stage.world.folder
            (kept / BROKEN).write_text("\n".join(line.broken), encoding="utf-8")
            batch.complain(
                f"seed {seed} is broken; its logs: {kept.relative_to(repository())}; again: "
                f"./dev run python -m tests.faults --kind {batch.kind.name} --seeds {seed}"
            )
            break
    if played:
        _no_planted(batch, stage, played)


def _no_planted(batch: Batch, stage: Any, seeds: Sequence[int]) -> None:
    """P12 over the world: its database, topics, cache and logs."""
    tools = fetch_quietly(threading.Event(), frozenset())
    found = look_for(
        _planted(batch, seeds),
        stage.world.environment,
        stage.world.folder,
        tools.postgres_bin / "pg_dump",
    )
    for what in found.broken:
        batch.complain(f"P12 broken: {what} after seeds {', '.join(map(str, seeds))}")


def _planted(batch: Batch, seeds: Sequence[int]) -> list[str]:
    return [value for seed in seeds for value in batch.kind.plan_of(seed).planted]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
