"""The relay."""

from dict_common.bus.event_sender import senders
from dict_common.store.database import open_connection
from dict_common.store.relay import Relay
from vsync.bootstrap.foundations import ROLE, settings


def open_relay() -> Relay:
    """The relay; it opens what it needs turn by turn. Raises ConfigurationInvalid."""
    shared, _ = settings()
    return Relay(
        ROLE,
        lambda: open_connection(shared.postgres_url, ROLE),
        senders(shared.pulsar_url, shared.pulsar_tenant),
    )
