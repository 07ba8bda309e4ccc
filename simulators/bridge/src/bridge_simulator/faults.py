"""Faults as they were ordered: what goes wrong, with which calls, how often."""

import hashlib
from dataclasses import dataclass
from enum import Enum

from google.protobuf.message import Message

from bridge_simulator.problems import DictProblem, kind_of


class Effect(Enum):
    """What a fault does to a call; the values are the names in `control.proto`."""

    PROBLEM = "problem"
    DELAY_BEFORE = "delay_before_ms"
    DELAY_AFTER = "delay_after_ms"
    SILENCE_BEFORE = "silence_before"
    SILENCE_AFTER = "silence_after"
    CUT_BEFORE = "cut_before"
    CUT_AFTER = "cut_after"


@dataclass(frozen=True)
class BridgeCall:
    """What a call of the Bridge is told apart by; empty where its request names none."""

    operation: str
    claim_id: str
    participant: str
    cid: str = ""


@dataclass(frozen=True)
class InjectedProblem:
    """A refusal as it was ordered; `http_status` None = Bacen's for the type."""

    type: str
    http_status: int | None
    retry_after_seconds: int | None
    detail: str

    def as_refusal(self) -> DictProblem:
        """To be raised."""
        return DictProblem(
            self.type,
            self.detail,
            kind=kind_of(self.type, self.http_status),
            retry_after_seconds=self.retry_after_seconds,
        )


@dataclass(frozen=True)
class Fault:
    """`delay_ms` and `problem` belong to their effects; `probability` is percent, None = all."""

    operation: str
    claim_id: str
    participant: str
    skip: int
    times: int
    effect: Effect
    delay_ms: int = 0
    problem: InjectedProblem | None = None
    probability: int | None = None
    seed: int | None = None
    cid: str = ""

    def falls_on(self, number: int) -> bool:
        """Whether the n-th matching call, from 1, is hit: by skip, probability and seed."""
        if number <= self.skip:
            return False
        if self.probability is None:
            return True
        drawn = hashlib.sha256(f"{self.seed or 0}:{number - self.skip}".encode()).digest()
        return int.from_bytes(drawn[:8], "big") % 100 < self.probability


def call_of(request: Message) -> BridgeCall:
    """The facts of a Bridge request: each is named after its call, `<Call>Request`."""
    return BridgeCall(
        operation=request.DESCRIPTOR.name.removesuffix("Request"),
        claim_id=getattr(request, "claim_id", ""),
        participant=_participant(request),
        cid=getattr(request, "cid", ""),
    )


def _participant(request: Message) -> str:
    for name in ("participant", "requesting_participant"):
        if hasattr(request, name):
            return str(getattr(request, name))
    for name in ("claimer_account", "account"):
        if hasattr(request, name):
            return str(getattr(request, name).participant)
    return ""
