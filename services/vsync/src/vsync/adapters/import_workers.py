"""Rows are prepared in processes of their own: hashing and sealing is what an import does most."""

import asyncio
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tink import aead

from dict_common.kernel.errors import Unavailable
from dict_common.kernel.ids import new_id
from dict_common.secrecy.keysets import KeysetFolder
from dict_common.secrecy.rest import TinkRestSealer
from dict_common.secrecy.subjects import fresh_key
from vsync.application.import_rows import Chunk, PrepareRows, ReadyChunk


@dataclass
class _Worker:
    """What a process of the pool works with, once it has begun."""

    prepare: PrepareRows | None = None


_WORKER = _Worker()


def preparing(keys_dir: Path, own: frozenset[str]) -> PrepareRows:
    """PrepareRows with the keysets of a folder. Raises ConfigurationInvalid."""
    keysets = KeysetFolder(keys_dir)
    rest = TinkRestSealer(keysets.private("rest"), keysets.private("prf"))
    kek = keysets.private("kek").primitive(aead.Aead)
    return PrepareRows(own, rest, partial(fresh_key, kek, new_id))


@asynccontextmanager
async def import_workers(
    keys_dir: Path, own: frozenset[str], count: int
) -> AsyncIterator[Callable[[Chunk], Awaitable[ReadyChunk]]]:
    """Prepares chunks in `count` processes, which end with this one, however it ends.

    Raises ConfigurationInvalid; what is prepared raises Unavailable where a process was killed.
    """
    preparing(keys_dir, own)  # a keyset that is missing is told here, and not by a process
    # Not forked: threads of native clients do not survive that.
    spawned = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, spawned, _begin, (keys_dir, own))
    loop = asyncio.get_running_loop()

    async def answer(running: "asyncio.Future[ReadyChunk]") -> ReadyChunk:
        try:
            return await running
        except BrokenProcessPool:
            raise Unavailable(
                "worker-ended", "a process that prepares rows was ended: import again, it goes on"
            ) from None

    try:
        yield lambda chunk: answer(loop.run_in_executor(pool, _prepare, chunk))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)  # a chunk each, at most


def _begin(keys_dir: Path, own: frozenset[str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that asks
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()
    _WORKER.prepare = preparing(keys_dir, own)


def _follow(sentinel: int) -> None:
    """A killed parent closes nothing that its workers wait for."""
    multiprocessing.connection.wait([sentinel])
    os._exit(0)


def _prepare(chunk: Chunk) -> ReadyChunk:
    assert _WORKER.prepare is not None, "a process begins before it prepares"
    return _WORKER.prepare(chunk)
