"""Section 1.7: every problem can be had; those of claims by the rules, the rest by a fault."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import grpc
import pytest

from bridge_simulator.messages import account_message, owner_message
from dict_schemas.generated.dict.bridge.v1 import bridge_pb2 as pb
from dict_schemas.generated.dict.simulator.v1.control_pb2 import Fault, InjectedProblem
from tests.unit.bridge_simulator.dict_line import Line, order, problem_of
from tests.unit.bridge_simulator.dict_world import (
    CLAIMER_ISPB,
    DONOR_ISPB,
    JOAO,
    MARIA,
    PHONE,
    STRANGER_ISPB,
    account,
    request_id,
)

Way: TypeAlias = Callable[[Line], Awaitable[object]]

STATUS = {
    "Forbidden": 403,
    "NotFound": 404,
    "ClaimKeyNotFound": 404,
    "ResourceConflict": 409,
    "Gone": 410,
    "DeprecatedResource": 410,
    "RateLimited": 429,
    "InternalServerError": 500,
    "ServiceUnavailable": 503,
}
"""400 for all others."""

GENERAL = [
    "Forbidden",
    "BadRequest",
    "NotFound",
    "ResourceConflict",
    "Gone",
    "DeprecatedResource",
    "RateLimited",
    "InternalServerError",
    "ServiceUnavailable",
    "RequestSignatureInvalid",
    "RequestIdAlreadyUsed",
    "InvalidReason",
    "ParticipantInvalid",
    "TaxIdNumberBlocked",
    "UserOrAccountWithFraudRelatedRestriction",
]
OF_ENTRIES = [
    "EntryInvalid",
    "EntryLimitExceeded",
    "EntryAlreadyExists",
    "EntryCannotBeQueriedForBookTransfer",
    "EntryKeyOwnedByDifferentPerson",
    "EntryKeyInCustodyOfDifferentParticipant",
    "EntryLockedByClaim",
    "EntryTaxIdNumberByDifferentOwner",
    "EntryBlocked",
    "EntryWithFraudRelatedRestriction",
]
OF_CLAIMS = [
    "ClaimInvalid",
    "ClaimTypeInconsistent",
    "ClaimKeyNotFound",
    "ClaimAlreadyExistsForKey",
    "ClaimResultingEntryAlreadyExists",
    "ClaimOperationInvalid",
    "ClaimResolutionPeriodNotEnded",
    "ClaimCompletionPeriodNotEnded",
]


def _cancel(claim: pb.Claim, reason: str) -> pb.CancelClaimRequest:
    return pb.CancelClaimRequest(claim_id=claim.id, participant=DONOR_ISPB, reason=reason)


def _complete(claim: pb.Claim, number: int = 1) -> pb.CompleteClaimRequest:
    return pb.CompleteClaimRequest(
        claim_id=claim.id, participant=CLAIMER_ISPB, request_id=request_id(number)
    )


def _acknowledge(claim_id: str, participant: str = DONOR_ISPB) -> pb.AcknowledgeClaimRequest:
    return pb.AcknowledgeClaimRequest(claim_id=claim_id, participant=participant)


def _other_order(claimer_ispb: str, claim_type: str = "PORTABILITY") -> pb.CreateClaimRequest:
    return pb.CreateClaimRequest(
        type=claim_type,
        key=PHONE,
        key_type="PHONE",
        claimer_account=account_message(account(claimer_ispb)),
        claimer=owner_message(JOAO),
    )


async def _claim_with_a_malformed_key(line: Line) -> object:
    return await line.bridge.CreateClaim(order(key="61988880000"))


async def _ownership_by_the_owner(line: Line) -> object:
    await line.seed()
    return await line.bridge.CreateClaim(_other_order(CLAIMER_ISPB, "OWNERSHIP"))


async def _claim_of_an_unknown_key(line: Line) -> object:
    return await line.bridge.CreateClaim(order())


async def _second_claim(line: Line) -> object:
    await line.open()
    return await line.bridge.CreateClaim(order())


async def _claim_where_the_key_is(line: Line) -> object:
    await line.seed()
    return await line.bridge.CreateClaim(_other_order(DONOR_ISPB))


async def _complete_an_open_claim(line: Line) -> object:
    return await line.bridge.CompleteClaim(_complete(await line.open()))


async def _default_cancel_too_early(line: Line) -> object:
    return await line.bridge.CancelClaim(_cancel(await line.open(), "DEFAULT_OPERATION"))


async def _complete_an_ownership_too_early(line: Line) -> object:
    await line.seed()
    wanted = _other_order(CLAIMER_ISPB, "OWNERSHIP")
    wanted.claimer.CopyFrom(owner_message(MARIA))
    claim = (await line.bridge.CreateClaim(wanted)).claim
    await line.act(claim.id, "ACKNOWLEDGE")
    line.world.wait(days=7)
    await line.act(claim.id, "CONFIRM", "DEFAULT_OPERATION")
    return await line.bridge.CompleteClaim(_complete(claim))


async def _acknowledge_by_a_stranger(line: Line) -> object:
    claim = await line.open()
    return await line.bridge.AcknowledgeClaim(_acknowledge(claim.id, STRANGER_ISPB))


async def _acknowledge_an_unknown_claim(line: Line) -> object:
    return await line.bridge.AcknowledgeClaim(_acknowledge(request_id(1)))


async def _list_too_many(line: Line) -> object:
    return await line.bridge.ListClaims(pb.ListClaimsRequest(participant=DONOR_ISPB, limit=201))


async def _empty_the_bucket(line: Line) -> object:
    request = pb.ListPoliciesRequest(requesting_participant=CLAIMER_ISPB)
    for _ in range(20):
        await line.bridge.ListPolicies(request)
    return await line.bridge.ListPolicies(request)


async def _lose_the_state(line: Line) -> object:
    line.world.directory.store.close()
    return await line.bridge.CreateClaim(order())


async def _use_a_request_id_twice(line: Line) -> object:
    claim = await line.open()
    await line.bridge.CreateEntry(
        pb.CreateEntryRequest(
            key="joao@example.com",
            key_type="EMAIL",
            account=account_message(account(CLAIMER_ISPB)),
            owner=owner_message(JOAO),
            reason="USER_REQUESTED",
            request_id=request_id(1),
        )
    )
    await line.act(claim.id, "ACKNOWLEDGE")
    await line.act(claim.id, "CONFIRM", "USER_REQUESTED")
    return await line.bridge.CompleteClaim(_complete(claim))


async def _cancel_for_nonsense(line: Line) -> object:
    return await line.bridge.CancelClaim(_cancel(await line.open(), "MOON"))


async def _claim_by_nobody(line: Line) -> object:
    return await line.bridge.CreateClaim(_other_order("nobody"))


BY_RULES: dict[str, Way] = {
    "ClaimInvalid": _claim_with_a_malformed_key,
    "ClaimTypeInconsistent": _ownership_by_the_owner,
    "ClaimKeyNotFound": _claim_of_an_unknown_key,
    "ClaimAlreadyExistsForKey": _second_claim,
    "ClaimResultingEntryAlreadyExists": _claim_where_the_key_is,
    "ClaimOperationInvalid": _complete_an_open_claim,
    "ClaimResolutionPeriodNotEnded": _default_cancel_too_early,
    "ClaimCompletionPeriodNotEnded": _complete_an_ownership_too_early,
    "Forbidden": _acknowledge_by_a_stranger,
    "NotFound": _acknowledge_an_unknown_claim,
    "BadRequest": _list_too_many,
    "RateLimited": _empty_the_bucket,
    "InternalServerError": _lose_the_state,
    "RequestIdAlreadyUsed": _use_a_request_id_twice,
    "InvalidReason": _cancel_for_nonsense,
    "ParticipantInvalid": _claim_by_nobody,
}


async def _refusal(call: Awaitable[object]) -> pb.Problem:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return problem_of(caught.value)


@pytest.mark.parametrize("type_name", BY_RULES)
async def test_by_the_rules(line: Line, type_name: str) -> None:
    problem = await _refusal(BY_RULES[type_name](line))
    assert problem.type.rpartition("/")[2] == type_name
    assert problem.status == STATUS.get(type_name, 400)


@pytest.mark.parametrize("type_name", [*GENERAL, *OF_ENTRIES, *OF_CLAIMS])
async def test_by_a_fault(line: Line, type_name: str) -> None:
    await line.plan(Fault(operation="CreateClaim", problem=InjectedProblem(type=type_name)))
    problem = await _refusal(line.bridge.CreateClaim(order()))
    assert problem.type.rpartition("/")[2] == type_name
    assert problem.status == STATUS.get(type_name, 400)


def test_no_claim_error_needs_a_fault() -> None:
    assert set(OF_CLAIMS) <= set(BY_RULES)
