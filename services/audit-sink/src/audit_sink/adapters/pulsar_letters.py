"""LetterBox over Pulsar: reads dead letters where they lie, publishes them to their service."""

import asyncio
import contextlib
from uuid import UUID

import pulsar.asyncio

from audit_sink.application.desk_ports import Inspected
from dict_common.bus.dead_letters import DeadLetter, opened
from dict_common.bus.incoming import Incoming
from dict_common.bus.letters import Letters
from dict_common.bus.redrive import Redrives
from dict_common.kernel.errors import Unavailable
from dict_common.kernel.letter_ids import LETTER_UNREAD, LetterId
from dict_common.ports.sealing import RestSealer
from dict_common.secrecy.errors import CiphertextInvalid
from dict_common.telemetry.logs import logger

_log = logger(__name__)


class PulsarLetters:
    """One set of readers and one producer for each service, opened when first needed."""

    def __init__(self, client: pulsar.asyncio.Client, tenant: str, sealer: RestSealer) -> None:
        self._client = client
        self._tenant = tenant
        self._sealer = sealer
        self._letters: dict[str, Letters] = {}
        self._redrives: dict[str, Redrives] = {}
        # Readers are taken by one look at a time: requests of two services may be under way.
        self._reading: dict[str, asyncio.Lock] = {}

    async def inspect(self, service: str, letter: LetterId) -> Inspected | None:
        """Opens it and forgets it."""
        try:
            found = await self._find(service, letter)
        except Unavailable as error:
            if error.reason_code == LETTER_UNREAD:
                return None
            raise
        if found is None:
            return None
        try:
            inside = self._opened(service, found)
        except CiphertextInvalid:
            return Inspected(readable=False, event_id=None)
        return Inspected(readable=True, event_id=_event_id(inside))

    async def give_back(self, service: str, letter: LetterId) -> bool:
        """It was readable when it was taken: if it is not now, its key is waited for."""
        found = await self._find(service, letter)
        if found is None:
            _log.warning("letter-gone", service=service, letter=str(letter))
            return False
        try:
            inside = self._opened(service, found)
        except CiphertextInvalid as error:
            raise Unavailable(
                "letter-unreadable", f"{service} {letter}: give the keyset rest its old key back"
            ) from error
        if service not in self._redrives:
            self._redrives[service] = Redrives(self._client, self._tenant, service, self._sealer)
        await self._redrives[service].give_back(letter, inside)
        return True

    async def _find(self, service: str, letter: LetterId) -> Incoming | None:
        async with self._reading.setdefault(service, asyncio.Lock()):
            letters = self._letters.pop(service, None)
            # Kept only if it comes through: a reader left in the middle of a read swallows it.
            letters = letters or Letters(self._client, self._tenant, service)
            try:
                found = await letters.find(letter)
            except Unavailable:
                with contextlib.suppress(Unavailable):
                    await letters.close()
                raise
            self._letters[service] = letters
            return found

    def _opened(self, service: str, found: Incoming) -> DeadLetter:
        return opened(service, found.properties, found.body, self._sealer)


def _event_id(letter: DeadLetter) -> UUID | None:
    try:
        return UUID(letter.properties.get("ce_id", ""))
    except ValueError:
        return None
