"""Every message of a tenant, read from the topics themselves."""

from collections.abc import Iterator
from dataclasses import dataclass

import pulsar

from dict_schemas.topics import Topic, topics

READ_TIMEOUT_MS = 30_000


@dataclass(frozen=True)
class DumpedMessage:
    """A message as it lies on its topic."""

    topic: Topic
    partition: str
    key: str
    properties: dict[str, str]
    body: bytes


def dump_topics(url: str, tenant: str) -> Iterator[DumpedMessage]:
    """All messages of all topics up to now, partition by partition. Raises PulsarException."""
    client = pulsar.Client(url, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))
    try:
        for topic in topics():
            for partition in client.get_topic_partitions(topic.full_name(tenant)):
                yield from _partition(client, topic, partition)
    finally:
        client.close()


def _partition(client: pulsar.Client, topic: Topic, partition: str) -> Iterator[DumpedMessage]:
    reader = client.create_reader(partition, pulsar.MessageId.earliest)
    try:
        while reader.has_message_available():
            message = reader.read_next(READ_TIMEOUT_MS)
            yield DumpedMessage(
                topic,
                partition,
                message.partition_key(),
                dict(message.properties()),
                message.data(),
            )
    finally:
        reader.close()
