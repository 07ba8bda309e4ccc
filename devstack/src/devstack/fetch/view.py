"""Shows fetching at the terminal: what is at work, how much of it is there, how long it takes."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from devstack.fetch import pulsar, temporal, time_skipping, toolbox
from devstack.fetch.cache import Cache, size_bytes
from devstack.fetch.toolbox import Toolbox, Watch, fetch_everything
from devstack.layout import cache_folder

PATIENCE_SECONDS = 1.0  # with everything in the cache nothing is shown
REFRESH_SECONDS = 0.5
HEARTBEAT_SECONDS = 30.0
MEGABYTE = 1 << 20
_EXPECT: Mapping[str, str] = {
    toolbox.JAVA: "34 MB to load",
    toolbox.POSTGRES: "23 MB to load",
    toolbox.REDIS: "lists of packages and 3 MB to load",
    toolbox.TEMPORAL: "about 1 GB of sources to load and 7 minutes to compile, once",
    toolbox.PULSAR: "233 MB to load",
    toolbox.TIME_SKIPPING: "42 MB to load",
}


def fetch_quietly(cancelled: threading.Event, without: frozenset[str]) -> Toolbox:
    """Gets all programs and shows nothing."""
    watch = Watch(began=lambda _name: None, ended=lambda _name, _where: None)
    return fetch_everything(Cache(cache_folder(), cancelled), watch, without)


@dataclass
class FetchView:
    """Gets all programs and shows how far it is; silent when it takes less than a second."""

    console: Console
    _began: dict[str, float] = field(default_factory=dict)
    _took: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, cancelled: threading.Event, without: frozenset[str]) -> Toolbox:
        """See `fetch_everything`. Blocks."""
        cache = Cache(cache_folder(), cancelled)
        over = threading.Event()
        shower = threading.Thread(target=self._show, args=(cache, over), daemon=True)
        shower.start()
        try:
            return fetch_everything(cache, Watch(self._note_began, self._note_ended), without)
        finally:
            over.set()
            shower.join()

    def _note_began(self, name: str) -> None:
        with self._lock:
            self._began[name] = time.monotonic()

    def _note_ended(self, name: str, _where: Path) -> None:
        with self._lock:
            self._took[name] = time.monotonic() - self._began[name]

    def _show(self, cache: Cache, over: threading.Event) -> None:
        if over.wait(PATIENCE_SECONDS):
            return
        self.console.print(f"Getting the stack's programs into {cache.root} (once)")
        if self.console.is_terminal:
            self._show_table(cache, over)
        else:
            self._show_lines(cache, over)

    def _show_table(self, cache: Cache, over: threading.Event) -> None:
        with Live(self._table(cache), console=self.console, auto_refresh=False) as live:
            while not over.wait(REFRESH_SECONDS):
                live.update(self._table(cache), refresh=True)
            live.update(self._table(cache), refresh=True)

    def _show_lines(self, cache: Cache, over: threading.Event) -> None:
        """For a log file: what begins, what ended, and a sign of life now and then."""
        told: set[str] = set()
        next_sign = time.monotonic() + HEARTBEAT_SECONDS
        for name in self._working():
            self.console.print(f"  {name}: {_EXPECT[name]}")
        ended = False
        while not ended:
            ended = over.wait(REFRESH_SECONDS)
            for name in sorted(set(self._took) - told):
                self.console.print(f"  {name}: there after {self._took[name]:.1f} s")
                told.add(name)
            if time.monotonic() > next_sign:
                next_sign = time.monotonic() + HEARTBEAT_SECONDS
                for name in self._working():
                    self.console.print(f"  {name}: {self._progress(cache, name)}")

    def _working(self) -> list[str]:
        with self._lock:
            return [name for name in self._began if name not in self._took]

    def _table(self, cache: Cache) -> Table:
        table = Table.grid(padding=(0, 2))
        with self._lock:
            began, took = dict(self._began), dict(self._took)
        for name, start in began.items():
            if name in took:
                table.add_row(f"  {name}", f"there after {took[name]:.1f} s")
            else:
                seconds = time.monotonic() - start
                table.add_row(f"  {name}", f"{self._progress(cache, name)}, {seconds:.0f} s")
        return table

    def _progress(self, cache: Cache, name: str) -> str:
        """How far one part is, from what lies in the cache."""
        if name == toolbox.TEMPORAL:
            log = cache.root / "logs" / f"temporal-{temporal.VERSION}.log"
            packages = log.read_bytes().count(b"\n") if log.is_file() else 0
            return f"{packages} of about {temporal.PACKAGES_ABOUT} steps ({_EXPECT[name]})"
        folder = {
            toolbox.PULSAR: f"apache-pulsar-{pulsar.VERSION}",
            toolbox.TIME_SKIPPING: time_skipping.PROGRAM.folder_name,
        }.get(name)
        if folder is not None:
            loaded = size_bytes(cache.part(folder))
            return f"{loaded / MEGABYTE:.0f} MB so far ({_EXPECT[name]})"
        return _EXPECT[name]
