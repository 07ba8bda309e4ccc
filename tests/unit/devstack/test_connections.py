"""Environment file, passwords, ports and servers of the user's own."""

import random
import socket
import subprocess
from pathlib import Path

import pytest

from devstack.connections import MARKER, connections, external_servers, replaced_parts
from devstack.envfile import read_env, write_env
from devstack.layout import RunFolder
from devstack.passwords import keep_passwords, read_passwords
from devstack.ports import LOOPBACK, RANGE, choose_ports, is_free
from devstack.stack import PORT_NAMES

AWKWARD = {"PLAIN": "x", "SPACE": "a b", "QUOTE": "it's", "DOLLAR": "$HOME", "EMPTY": ""}


def test_a_shell_and_we_read_the_same_values(tmp_path: Path) -> None:
    write_env(tmp_path / "env", AWKWARD)
    assert read_env(tmp_path / "env") == AWKWARD
    script = f"set -a; . {tmp_path / 'env'}; printf '%s|' " + " ".join(
        f'"${name}"' for name in AWKWARD
    )
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("|")[:-1] == list(AWKWARD.values())


def test_passwords_are_kept_and_the_port_follows(tmp_path: Path) -> None:
    path = tmp_path / "pgpass"
    first = keep_passwords(path, LOOPBACK, 20_001, ["postgres"], {"postgres": "a:b\\c"})
    second = keep_passwords(
        path, LOOPBACK, 20_002, ["postgres", "migrator"], {"postgres": "other", "migrator": "m"}
    )
    assert second == {"postgres": first["postgres"], "migrator": "m"}
    assert read_passwords(path) == second
    assert path.read_text(encoding="utf-8").splitlines()[0] == (
        "127.0.0.1:20002:*:postgres:a\\:b\\\\c"
    )
    assert path.stat().st_mode & 0o777 == 0o600


def test_ports_stay_when_they_are_free() -> None:
    chance = random.Random(1)
    first = choose_ports(["a", "b"], {}, {}, chance)
    assert set(first.values()) <= set(RANGE)
    assert len(set(first.values())) == 2
    assert choose_ports(["a", "b"], first, {}, chance) == first


def test_a_taken_port_is_replaced() -> None:
    chance = random.Random(2)
    before = choose_ports(["a", "b"], {}, {}, chance)
    with socket.create_server((LOOPBACK, before["a"])):
        assert not is_free(before["a"])
        after = choose_ports(["a", "b"], before, {}, chance)
    assert after["b"] == before["b"]
    assert after["a"] not in before.values()


def test_a_port_that_our_own_process_holds_is_kept() -> None:
    before = choose_ports(["a"], {}, {}, random.Random(3))
    with socket.create_server((LOOPBACK, before["a"])):
        assert choose_ports(["a"], before, before, random.Random(3)) == before


def test_a_server_of_the_users_own_replaces_ours() -> None:
    environ = {"DICT_PULSAR_URL": "pulsar://127.0.0.1:1", "DICT_REDIS_URL": "redis://127.0.0.1:2"}
    found = external_servers(environ, {})
    assert found == {"DICT_REDIS_URL": "redis://127.0.0.1:2"}, "half of Pulsar is no Pulsar"
    environ["DICT_PULSAR_ADMIN_URL"] = "http://127.0.0.1:3"
    assert replaced_parts(external_servers(environ, {})) == {"zookeeper", "pulsar", "redis"}


def test_our_own_variables_are_not_taken_for_the_users(tmp_path: Path) -> None:
    ports = dict.fromkeys(PORT_NAMES, 20_000)
    ours = connections(RunFolder(tmp_path), ports, {}, 86_400)
    assert MARKER in ours
    assert external_servers(ours, {}) == {}
    remembered = {"DICT_REDIS_URL": "redis://127.0.0.1:2"}
    assert external_servers(ours, remembered) == remembered


def test_an_external_server_is_what_programs_are_told(tmp_path: Path) -> None:
    ports = dict.fromkeys(PORT_NAMES, 20_000)
    external = {"DICT_TEMPORAL_ADDRESS": "127.0.0.1:7233"}
    told = connections(RunFolder(tmp_path), ports, external, 60)
    assert told["DICT_TEMPORAL_ADDRESS"] == "127.0.0.1:7233"
    assert "DICT_TEMPORAL_UI_URL" not in told
    assert told["DICT_CLAIM_DAY_SECONDS"] == "60"


@pytest.mark.parametrize("name", ["DICT_POSTGRES_URL", "DICT_BRIDGE_ADDRESS", "DICT_KEYS_DIR"])
def test_no_connection_leaves_this_machine(tmp_path: Path, name: str) -> None:
    told = connections(RunFolder(tmp_path), dict.fromkeys(PORT_NAMES, 20_000), {}, 86_400)
    assert LOOPBACK in told[name] or told[name].startswith(str(tmp_path))
    assert "@" not in told["DICT_POSTGRES_URL"], "each program names its own role"
