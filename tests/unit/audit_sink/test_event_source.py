"""When the sink subscribes anew: events wait for it, and nothing comes."""

import pulsar
import pytest

from audit_sink.adapters.pulsar_event_source import PulsarEventSource
from dict_common.bus.backlog import Waiting
from dict_common.kernel.errors import Unavailable

PARTITION = "persistent://t/events/workflow.step-partition-1"


class Source(PulsarEventSource):
    """Without a broker; counts how often it lets go."""

    def __init__(self) -> None:
        super().__init__("pulsar://127.0.0.1:1", "t")
        self.let_go = 0

    def _let_go(self) -> None:
        self.let_go += 1

    def waits(self, sent: int = 3) -> Waiting:
        """A partition of its own."""
        return Waiting(PARTITION, self._name, sent)

    def got(self, received: int, acknowledged: int) -> None:
        """So many more."""
        self._received += received
        self._acknowledged += acknowledged

    def receive_from(self, events: "Receiving", redrives: "Receiving") -> None:
        """Instead of a broker."""
        self._consumer, self._redrives = events, redrives


@pytest.fixture
def source() -> Source:
    """One that has done some work."""
    made = Source()
    made.got(5, 5)
    return made


async def test_what_waits_at_two_looks_is_asked_for_anew_once(source: Source) -> None:
    await source.go_on([source.waits()])
    assert source.let_go == 0
    await source.go_on([source.waits()])
    assert source.let_go == 1
    await source.go_on([])
    await source.go_on([source.waits(0)])
    assert source.let_go == 1


@pytest.mark.parametrize(
    ("received", "acknowledged", "why"),
    [(1, 1, "something came"), (1, 0, "something is in hand"), (0, -1, "a batch waits")],
)
async def test_a_sink_at_work_is_left_alone(
    source: Source, received: int, acknowledged: int, why: str
) -> None:
    await source.go_on([source.waits()])
    source.got(received, acknowledged)
    await source.go_on([source.waits()])
    assert source.let_go == 0, why


async def test_what_is_sent_or_is_another_sinks_is_left_alone(source: Source) -> None:
    other = Waiting(PARTITION, "audit-sink-other", 3)
    for first, second in (
        (source.waits(3), source.waits(4)),
        (other, other),
        (other, source.waits()),
    ):
        await source.go_on([first])
        await source.go_on([second])
        await source.go_on([])
        assert source.let_go == 0


async def test_a_sink_whom_that_does_not_help_is_more_patient_each_time(source: Source) -> None:
    after: list[int] = []
    for look in range(1, 60):
        await source.go_on([source.waits(3 + source.let_go)])  # sent again, and of no use again
        if source.let_go > len(after):
            after.append(look)
    assert after == [2, 10, 42]
    source.got(1, 1)
    for _ in range(2):
        await source.go_on([source.waits()])
    assert source.let_go == 4


class Receiving:
    """A consumer that has some batches to give, or a trouble."""

    def __init__(self, *batches: list[str] | pulsar.PulsarException) -> None:
        self._batches = list(batches)

    def batch_receive(self) -> list[str]:
        """The next."""
        batch = self._batches.pop(0)
        if isinstance(batch, pulsar.PulsarException):
            raise batch
        return batch


async def test_events_are_handed_out_though_the_look_for_redrives_failed(
    monkeypatch: pytest.MonkeyPatch, source: Source
) -> None:
    monkeypatch.setattr("audit_sink.adapters.pulsar_event_source.incoming", str)
    trouble = pulsar.PulsarException("away")
    source.receive_from(Receiving(["1", "2"], ["4"]), Receiving(trouble, trouble, ["3"], []))
    for _ in range(2):
        with pytest.raises(Unavailable):
            await source.batch()
    handed_out = [list(map(str, await source.batch())) for _ in range(2)]
    assert handed_out == [["1", "2", "3"], ["4"]]
