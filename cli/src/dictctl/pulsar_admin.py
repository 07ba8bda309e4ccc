"""Pulsar's admin REST interface, as far as topics and schemas need it."""

import json
from collections.abc import Mapping
from typing import Any, Self

import httpx

from dict_common.console.failures import CommandFailed, Exit

TIMEOUT_SECONDS = 30.0
CONNECTIONS_MAX = 8


class AdminRefused(CommandFailed):
    """The broker said no. `status` is HTTP's."""

    def __init__(self, what: str, status: int, reason: str) -> None:
        super().__init__(
            Exit.CONFLICT if status == httpx.codes.CONFLICT else Exit.FAILED,
            f"the broker refused to {what} (HTTP {status}): {reason}",
            "dictctl topics diff   shows what the broker has instead",
        )
        self.status = status


class PulsarAdmin:
    """A small client. Raises CommandFailed UNREACHABLE when the broker does not answer."""

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=url.rstrip("/") + "/admin/v2",
            timeout=TIMEOUT_SECONDS,
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
        )
        self._url = url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, path: str) -> Any | None:
        """The JSON at a path, None where there is nothing."""
        response = await self._send("GET", path, None)
        if response.status_code == httpx.codes.NOT_FOUND or not response.content:
            return None
        self._require(response, f"read {path}")
        return response.json()

    async def send(self, method: str, path: str, body: object, what: str) -> httpx.Response:
        """Changes something; `what` completes "the broker refused to …". Raises AdminRefused."""
        response = await self._send(method, path, body)
        self._require(response, what)
        return response

    async def put_missing(self, path: str, body: object, what: str) -> bool:
        """PUTs what may exist: True if made now. Raises AdminRefused."""
        response = await self._send("PUT", path, body)
        if response.status_code == httpx.codes.CONFLICT:
            return False
        self._require(response, what)
        return True

    async def _send(self, method: str, path: str, body: object) -> httpx.Response:
        headers: Mapping[str, str] = {"Content-Type": "application/json"}
        content = None if body is None else json.dumps(body)
        try:
            return await self._client.request(method, path, content=content, headers=headers)
        except httpx.TransportError as error:
            raise CommandFailed(
                Exit.UNREACHABLE,
                f"Pulsar's admin interface at {self._url} does not answer ({type(error).__name__})",
                "./dev status   then   ./dev up",
            ) from None

    @staticmethod
    def _require(response: httpx.Response, what: str) -> None:
        if response.is_success:
            return
        try:
            reason = str(response.json().get("reason", ""))
        except (ValueError, AttributeError):
            reason = response.text
        raise AdminRefused(what, response.status_code, " ".join(reason.split())[:500])
