"""Notifier over HTTP: a POST signed as Standard Webhooks says (standardwebhooks.com).

`webhook-signature` = `v1,` + base64(HMAC-SHA-256(secret, id + "." + timestamp + "." + body)).
"""

import base64
import hashlib
import hmac
import json
from uuid import UUID

import httpx

from dict_common.kernel.clock import Clock
from dict_common.kernel.errors import Unavailable

TIMEOUT_SECONDS = 10.0


class WebhookNotifier:
    """Tells one address. Without one, nobody is told."""

    def __init__(self, client: httpx.AsyncClient, url: str, secret: bytes, clock: Clock) -> None:
        self._client = client
        self._url = url
        self._secret = secret
        self._clock = clock

    async def notify(self, notice_id: UUID, body: dict[str, object]) -> bool:
        """True once a 2xx came; False without an address. Raises Unavailable."""
        if not self._url:
            return False
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        timestamp = str(int(self._clock.now().timestamp()))
        headers = {
            "content-type": "application/json",
            "webhook-id": str(notice_id),
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(self._secret, str(notice_id), timestamp, content),
        }
        try:
            answer = await self._client.post(self._url, content=content, headers=headers)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable("notice-not-delivered", type(error).__name__) from None
        return True


def signature(secret: bytes, notice_id: str, timestamp: str, content: str) -> str:
    """What a receiver recomputes and compares."""
    signed = f"{notice_id}.{timestamp}.{content}".encode()
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
