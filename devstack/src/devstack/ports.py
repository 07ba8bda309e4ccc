"""Free ports on loopback, the same ones again after a restart."""

import random
import socket
from collections.abc import Iterable, Mapping

from devstack.failures import StackFailure

LOOPBACK = "127.0.0.1"
# Below the range that the kernel gives to outgoing connections: a port kept for a part that is
# down for a moment must not be taken by somebody's connection to elsewhere.
RANGE = range(20_000, 32_000)
ATTEMPTS_MAX = 500


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of loopback now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def choose_ports(
    names: Iterable[str],
    before: Mapping[str, int],
    in_use: Mapping[str, int],
    chance: random.Random,
) -> dict[str, int]:
    """A port for each name.

    `in_use` are ports on which our own processes listen right now: kept without a look. A port
    of `before` is kept when it is free, else replaced. Raises StackFailure when none is found.
    """
    chosen = dict(in_use)
    for name in names:
        if name in chosen:
            continue
        taken = set(chosen.values())
        port = before.get(name)
        if port is None or port in taken or not is_free(port):
            port = _fresh(taken | set(before.values()), chance)
        chosen[name] = port
    return chosen


def _fresh(taken: set[int], chance: random.Random) -> int:
    for _ in range(ATTEMPTS_MAX):
        port = chance.choice(RANGE)
        if port not in taken and is_free(port):
            return port
    raise StackFailure(f"No free port on {LOOPBACK} in {RANGE.start}-{RANGE.stop - 1}.")
