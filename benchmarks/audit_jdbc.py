"""Pulsar's JDBC sink as a peer: its calls to PostgreSQL, from Java, on rows of ours.

The sink itself cannot run here; its loop can (`jdbc_loop/JdbcLoop.java`). Its UPSERT binds every
value that is no key twice, since the statement names them twice.
"""

import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from audit_sink.adapters.stored_rows import COLUMNS
from benchmarks.audit_paths import Batch, values
from devstack.fetch.cache import Cache
from devstack.fetch.java_program import JavaProgram
from devstack.fetch.toolbox import java_home
from devstack.layout import cache_folder
from dict_common.kernel.ids import new_id

_FOLDER = Path(__file__).with_name("jdbc_loop")
PROGRAM = JavaProgram(
    what="the JDBC loop",
    main_jar="postgresql",
    source=_FOLDER / "JdbcLoop.java",
    lock=_FOLDER / "jars.lock",
)
SECONDS_MAX = 1_200
_MARKS = ", ".join("?" for _ in COLUMNS)
_INSERT = f"INSERT INTO %s ({', '.join(COLUMNS)}) VALUES ({_MARKS})"  # noqa: S608 our own names
_NO_KEY = tuple(name for name in COLUMNS if name != "event_id")
_UPSERT = (
    f"{_INSERT} ON CONFLICT (event_id) DO UPDATE SET {', '.join(f'{it} = ?' for it in _NO_KEY)}"
)


@dataclass(frozen=True)
class Loop:
    """One of the sink's two useful settings."""

    name: str
    batch: bool
    upsert: bool

    def sql(self, table: str) -> str:
        """The statement that it prepares."""
        return (_UPSERT if self.upsert else _INSERT) % table


DEFAULT = Loop("JDBC sink's loop, default (not idempotent)", batch=False, upsert=False)
IDEMPOTENT = Loop("JDBC sink's loop, UPSERT + useJdbcBatch", batch=True, upsert=True)


def jdbc_seconds(
    environment: dict[str, str], loop: Loop, table: str, batches: Sequence[Batch], warm: int
) -> float:
    """Seconds for all rows but the first `warm`, with which Java warms up. Blocks."""
    cache = Cache(cache_folder(), threading.Event())
    java = java_home(cache)
    home = PROGRAM.ensure(cache, java)
    rows = Path(environment["DICT_KEYS_DIR"]).with_name("jdbc-rows")
    with rows.open("w", encoding="utf-8") as file:
        for batch in batches:
            file.writelines(_line(loop, it) for it in _texts(batch))
    url = urlsplit(environment["DICT_POSTGRES_URL"])
    target = (
        f"jdbc:postgresql://{url.hostname}:{url.port}{url.path}"
        "?user=postgres&stringtype=unspecified"
    )
    command = PROGRAM.command(home, java)
    mode = "batch" if loop.batch else "execute"
    done = subprocess.run(
        [*command, target, mode, loop.sql(table), str(rows), str(warm)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    rows.unlink()
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def _texts(batch: Batch) -> list[list[str]]:
    batch_id = new_id()
    return [
        ["\\N" if value is None else str(value) for value in values(it.row, batch_id, number)]
        for number, it in enumerate(batch)
    ]


def _line(loop: Loop, texts: list[str]) -> str:
    again = [text for name, text in zip(COLUMNS, texts, strict=True) if name != "event_id"]
    return "\t".join(texts + (again if loop.upsert else [])) + "\n"
