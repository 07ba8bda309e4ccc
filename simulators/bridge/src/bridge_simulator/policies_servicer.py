"""The policies' part of the Bridge."""
# ruff: noqa: N802 - gRPC names the methods

from bridge_simulator.answering import Answering, Context, Receipt
from bridge_simulator.buckets import Buckets
from bridge_simulator.messages import timestamp
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2 as pb

CATEGORY = "A"
"""Bacen's category of the participant; it only shapes buckets that stand outside the Bridge."""


class PoliciesServicer:
    """Shows each bucket as the calls left it."""

    def __init__(self, answering: Answering, buckets: Buckets) -> None:
        self._answering = answering
        self._buckets = buckets

    async def ListPolicies(
        self, request: pb.ListPoliciesRequest, context: Context
    ) -> pb.ListPoliciesResponse:
        participant = request.requesting_participant

        def work(receipt: Receipt) -> pb.ListPoliciesResponse:
            available = self._buckets.available(participant, receipt.response_time)
            policies = [
                pb.Policy(
                    name=policy.name,
                    available_tokens=available[policy.name],
                    capacity=policy.capacity,
                    refill_tokens=policy.refill_tokens,
                    refill_period_sec=policy.refill_period_seconds,
                )
                for policy in self._buckets.policies.values()
            ]
            return pb.ListPoliciesResponse(
                category=CATEGORY,
                policies=policies,
                correlation_id=receipt.correlation_id,
                response_time=timestamp(receipt.response_time),
            )

        return await self._answering.answer(context, request, work, (participant, "POLICIES_LIST"))
