"""The simulation's payloads are the SDK's, in both directions."""

from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import DefaultPayloadConverter

from claim_orchestrator.application.claim_mail import GivenDecision
from claim_orchestrator.application.claim_process import CLAIM_DECISION_UPDATE
from tests.support.claim_scenes import TYPES, opened
from tests.support.quick_payloads import QuickPayloads

SDK = DefaultPayloadConverter()


class Compared:
    """Counts, and fails at the first difference."""

    def __init__(self) -> None:
        self.written = self.read = 0
        self._write, self._read = QuickPayloads.to_payload, QuickPayloads.from_payload

    def to_payload(self, ours: QuickPayloads, value: Any) -> Payload:
        """Ours, if it is the SDK's."""
        payload = self._write(ours, value)
        assert payload == SDK.to_payload(value)
        self.written += 1
        return payload

    def from_payload(self, ours: QuickPayloads, payload: Payload, type_hint: Any = None) -> Any:
        """Ours, if it is the SDK's."""
        value = self._read(ours, payload, type_hint)
        theirs = SDK.from_payload(payload, type_hint)
        assert (value, type(value)) == (theirs, type(theirs))
        self.read += 1
        return value


@pytest.mark.parametrize("claim_type", TYPES)
def test_every_payload_of_a_claim_is_the_sdks(
    claim_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = Compared()
    monkeypatch.setattr(
        QuickPayloads, "to_payload", lambda it, value: compared.to_payload(it, value)
    )
    monkeypatch.setattr(
        QuickPayloads, "from_payload", lambda it, *given: compared.from_payload(it, *given)
    )
    stage = opened(claim_type)
    stage.donor("acknowledge")
    stage.send("ACCEPT", uuid4(), stage.simulation.now_)
    stage.run_to(stage.day(8))
    if claim_type == "OWNERSHIP":
        stage.donor("confirm", "USER_REQUESTED")
        stage.prove()
    else:
        stage.send("REFUSE", uuid4(), stage.simulation.now_, "FRAUD")
        given = GivenDecision("ACCEPT", "user-1", None, stage.simulation.now_)
        stage.execution.update(str(uuid4()), CLAIM_DECISION_UPDATE, given)
    stage.finish()
    assert stage.row.status != "RUNNING"
    assert min(compared.written, compared.read) > 50
