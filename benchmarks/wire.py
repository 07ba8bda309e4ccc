"""A network between a client and a server of this machine: bytes arrive so much later."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOOPBACK = "127.0.0.1"
CHUNK_BYTES = 65_536


@contextmanager
def wire(port: int, round_trip_seconds: float) -> Iterator[int]:
    """The port behind which that one is, a round trip away. For a client that asks, waits and asks
    again: what is sent while bytes are under way waits for them."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        threading.Thread(
            target=_accept, args=(listener, port, round_trip_seconds / 2), daemon=True
        ).start()
        yield listener.getsockname()[1]


def _accept(listener: socket.socket, port: int, seconds: float) -> None:
    with contextlib.suppress(OSError):  # closed: nobody is let in any more
        while True:
            client, _ = listener.accept()
            server = socket.create_connection((LOOPBACK, port))
            for here, there in ((client, server), (server, client)):
                here.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=_carry, args=(here, there, seconds), daemon=True).start()


def _carry(source: socket.socket, target: socket.socket, seconds: float) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK_BYTES):
            time.sleep(seconds)
            target.sendall(chunk)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)  # wakes the other direction, which a close does not
