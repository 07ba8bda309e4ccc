"""A sink of an older release: it does not know `otp.validated`, nor the newest `operator.acted`."""

from audit_sink.adapters import event_decoder
from audit_sink.bootstrap.foundations import SERVICE, frame
from audit_sink.entrypoints import sink
from dict_common.bus import schemas
from dict_common.telemetry.process import run_process
from dict_schemas import avro
from dict_schemas.topics import Topic, UnknownTopic, topic

TOPIC = "otp.validated"
SCHEMA = "operator.acted"


def _topic(namespace: str, name: str) -> Topic:
    if name == TOPIC:
        raise UnknownTopic(f"topics.yaml names no {namespace}/{name}")
    return topic(namespace, name)


class _Contracts:
    """`dict_schemas.avro` as it was."""

    names, definition, latest = avro.names, avro.definition, avro.latest

    @staticmethod
    def versions(name: str) -> tuple[int, ...]:
        """Without the newest."""
        return avro.versions(name)[:-1] if name == SCHEMA else avro.versions(name)


if __name__ == "__main__":
    vars(event_decoder)["topic"] = _topic
    vars(schemas)["contracts"] = _Contracts
    run_process(lambda: frame(SERVICE), sink.work)
