"""One server at a time, the others being somebody else's: failures, ports, servers of the user."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from devstack.failures import StackFailure, StartFailed
from devstack.fetch.view import fetch_quietly
from devstack.ports import LOOPBACK
from devstack.stack import Stack
from devstack.state import StateFile

ELSEWHERE = {
    "DICT_POSTGRES_URL": "postgresql://127.0.0.1:1/lbpay_connect",
    "DICT_PULSAR_URL": "pulsar://127.0.0.1:1",
    "DICT_PULSAR_ADMIN_URL": "http://127.0.0.1:1",
    "DICT_TEMPORAL_ADDRESS": "127.0.0.1:1",
    "DICT_REDIS_URL": "redis://127.0.0.1:1",
}


def all_but(name: str) -> dict[str, str]:
    """Everything is somebody else's server, but the one of this variable."""
    return {key: value for key, value in ELSEWHERE.items() if key != name}


@pytest.fixture
def redis_alone(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path / "redis", fetch=fetch_quietly, environ=all_but("DICT_REDIS_URL"))
    stack.up(infrastructure_only=True)
    yield stack
    stack.down()


def test_servers_of_the_user_are_used_and_left_alone(redis_alone: Stack, tmp_path: Path) -> None:
    url = redis_alone.environment()["DICT_REDIS_URL"]
    other = Stack(
        tmp_path / "other", fetch=fetch_quietly, environ={**ELSEWHERE, "DICT_REDIS_URL": url}
    )
    assert other.up(infrastructure_only=True) is False, "nothing was to be started"
    assert other.environment()["DICT_REDIS_URL"] == url
    assert {row.state for row in other.status()} == {"external", "stopped"}
    assert other.down() is False
    assert redis.Redis.from_url(url).ping()


def test_a_stolen_port_is_given_up(redis_alone: Stack, tmp_path: Path) -> None:
    port = StateFile(redis_alone.run.state).read().ports["redis"]
    redis_alone.down()
    thief = Stack(tmp_path / "thief", fetch=fetch_quietly, environ=all_but("DICT_REDIS_URL"))
    StateFile(thief.run.state).update(lambda state: type(state)(ports={"redis": port}))
    try:
        thief.up(infrastructure_only=True)
        assert thief.environment()["DICT_REDIS_URL"] == f"redis://{LOOPBACK}:{port}/0"
        redis_alone.up(infrastructure_only=True)
        moved = redis_alone.environment()["DICT_REDIS_URL"]
        assert moved != f"redis://{LOOPBACK}:{port}/0"
        assert redis.Redis.from_url(moved).ping()
    finally:
        thief.down()


def test_a_failure_shows_the_last_lines_and_leaves_nothing(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "pg", fetch=fetch_quietly, environ=all_but("DICT_POSTGRES_URL"))
    stack.run.data("postgres").mkdir(parents=True)  # a cluster that has lost everything
    with pytest.raises(StartFailed, match=r"(?s)postgres ended .*Last lines of .*postgresql.conf"):
        stack.up(infrastructure_only=True)
    assert StateFile(stack.run.state).read().processes == {}


def test_a_lost_password_file_is_explained(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "pg", fetch=fetch_quietly, environ=all_but("DICT_POSTGRES_URL"))
    stack.up(infrastructure_only=True)
    stack.down()
    stack.run.pgpass.unlink()
    with pytest.raises(StackFailure, match="bring the old file back"):
        stack.up(infrastructure_only=True)


def test_before_the_first_up_there_is_no_environment(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "none", fetch=fetch_quietly)
    with pytest.raises(StackFailure, match=r"\./dev up"):
        stack.environment()
    with pytest.raises(StackFailure, match=r"\./dev status"):
        stack.kill("redis")
    assert {row.state for row in stack.status()} == {"stopped"}
