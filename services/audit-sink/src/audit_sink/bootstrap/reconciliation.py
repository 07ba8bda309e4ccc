"""Both sides of a reconciliation, for `dictctl audit reconcile`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from audit_sink.adapters.event_decoder import EventDecoder
from audit_sink.adapters.event_telling import EventTelling
from audit_sink.adapters.postgres_tally import tally
from audit_sink.adapters.pulsar_event_log import PulsarEventLog
from audit_sink.adapters.sink_letters import PulsarSinkLetters
from audit_sink.application.reconcile import Sides
from audit_sink.bootstrap.console import READER
from audit_sink.bootstrap.foundations import SERVICE
from dict_common.bus.client import close as close_pulsar
from dict_common.bus.client import connect as connect_pulsar
from dict_common.bus.incoming import Incoming
from dict_common.kernel.clock import SystemClock
from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings
from dict_common.store.letter_actions import letters_of
from dict_schemas.topics import DEAD_LETTERS


@asynccontextmanager
async def open_sides(*, content: bool) -> AsyncIterator[Sides[Incoming]]:
    """Topics, dead letters and table, all only read. Raises Unavailable."""
    shared = read_settings(SharedSettings)
    broker = shared.pulsar_url, shared.pulsar_admin_url, shared.pulsar_tenant
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(
            tally(shared.postgres_url, READER, letters_of(SERVICE), content=content)
        )
        log, redrives = PulsarEventLog(*broker), PulsarEventLog(*broker, DEAD_LETTERS)
        stack.push_async_callback(redrives.close)
        stack.push_async_callback(log.close)
        client = connect_pulsar(shared.pulsar_url)
        stack.push_async_callback(close_pulsar, client)
        letters = PulsarSinkLetters(client, shared.pulsar_tenant, SERVICE)
        stack.push_async_callback(letters.close)
        decoder = EventDecoder(log.schemas, SystemClock()) if content else None
        yield Sides(log, redrives, letters, EventTelling(decoder), made)
