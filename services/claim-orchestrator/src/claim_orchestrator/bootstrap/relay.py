"""The relay."""

from claim_orchestrator.bootstrap.foundations import (
    ROLE,
    settings,
)
from dict_common.bus.event_sender import PulsarEventSender
from dict_common.ports.outgoing import EventSender
from dict_common.store.database import open_connection
from dict_common.store.relay import Relay


def open_relay() -> Relay:
    """The relay; it opens what it needs turn by turn. Raises ConfigurationInvalid."""
    shared, _ = settings()

    def open_sender(producer_name: str) -> EventSender:
        return PulsarEventSender(shared.pulsar_url, shared.pulsar_tenant, producer_name)

    return Relay(ROLE, lambda: open_connection(shared.postgres_url, ROLE), open_sender)
