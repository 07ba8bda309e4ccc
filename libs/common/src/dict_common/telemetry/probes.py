"""Probes of one process: /livez, /readyz, /startupz and /metrics. Nothing else answers here."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dict_common.telemetry.metrics import exposition

CHECK_SECONDS_MAX = 5.0
STOP_SECONDS_MAX = 5.0

Check = Callable[[], Awaitable[None]]
"""Returns when healthy, raises with the reason when not."""


@dataclass
class Health:
    """What a process says of itself. Started once; ready while every check passes."""

    checks: dict[str, Check]
    started: bool = False
    stopping: bool = False
    fatal: str | None = None
    """Set when the process cannot go on: /livez turns red and the platform restarts it."""
    last: dict[str, str] = field(default_factory=dict)

    async def ready(self) -> bool:
        """Runs every check, each within 5 s; the reasons stand in `last`."""
        self.last = dict(
            await asyncio.gather(
                *(self._outcome(name, check) for name, check in self.checks.items())
            )
        )
        return self.started and not self.stopping and set(self.last.values()) <= {"ok"}

    @staticmethod
    async def _outcome(name: str, check: Check) -> tuple[str, str]:
        try:
            await asyncio.wait_for(check(), CHECK_SECONDS_MAX)
        except Exception as error:  # noqa: BLE001 a probe reports whatever is wrong
            return name, type(error).__name__
        return name, "ok"


def probe_app(health: Health) -> Starlette:
    """The ASGI application; status 200 or 503, the reasons in the body."""

    async def livez(_request: Request) -> Response:
        return _answer(health.fatal is None, {"fatal": health.fatal or "none"})

    async def readyz(_request: Request) -> Response:
        return _answer(await health.ready(), health.last)

    async def startupz(_request: Request) -> Response:
        return _answer(health.started, {})

    async def metrics(_request: Request) -> Response:
        return Response(exposition(), media_type="text/plain; version=0.0.4")

    return Starlette(
        routes=[
            Route("/livez", livez),
            Route("/readyz", readyz),
            Route("/startupz", startupz),
            Route("/metrics", metrics),
        ]
    )


def _answer(good: bool, details: Mapping[str, str]) -> JSONResponse:
    return JSONResponse({"ok": good, **details}, status_code=200 if good else 503)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the entry point."""
        yield


class ProbeServer:
    """Serves the probes until closed."""

    def __init__(self, health: Health, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_server((host, int(port)), reuse_port=False)
        config = uvicorn.Config(
            probe_app(health),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """host:port that it listens on."""
        host, port = self._socket.getsockname()[:2]
        return f"{host}:{port}"

    def start(self) -> None:
        """Starts serving in the running loop."""
        self._task = asyncio.create_task(self._server.serve([self._socket]), name="probes")

    async def close(self) -> None:
        """Stops within 5 s."""
        if self._task is None:
            self._socket.close()
            return
        self._server.should_exit = True
        await asyncio.wait({self._task}, timeout=STOP_SECONDS_MAX)
        self._socket.close()
