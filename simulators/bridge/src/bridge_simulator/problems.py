"""Bacen's problems: type, HTTP status, gRPC status, title.

Section 1.7 of RULES.md: 400 unless a type says otherwise.
"""

from dataclasses import dataclass

import grpc

TYPE_PREFIX = "https://dict.pi.rsfn.net.br/api/v2/error/"


@dataclass(frozen=True)
class ProblemKind:
    """What all problems of one type have in common."""

    http_status: int
    grpc_status: grpc.StatusCode
    title: str


@dataclass(frozen=True)
class Violation:
    """One field that breaks a rule. `value` may be personal: never log it."""

    reason: str
    value: str
    property: str


_INVALID = grpc.StatusCode.INVALID_ARGUMENT
_STATE = grpc.StatusCode.FAILED_PRECONDITION

PROBLEM_KINDS: dict[str, ProblemKind] = {
    "Forbidden": ProblemKind(
        403, grpc.StatusCode.PERMISSION_DENIED, "The participant may not do this"
    ),
    "BadRequest": ProblemKind(400, _INVALID, "The request is malformed"),
    "NotFound": ProblemKind(404, grpc.StatusCode.NOT_FOUND, "There is no such thing"),
    "ResourceConflict": ProblemKind(409, grpc.StatusCode.ABORTED, "Changed by another; try again"),
    "RateLimited": ProblemKind(429, grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many requests"),
    "InternalServerError": ProblemKind(500, grpc.StatusCode.INTERNAL, "DICT has failed"),
    "ServiceUnavailable": ProblemKind(503, grpc.StatusCode.UNAVAILABLE, "DICT is away"),
    "RequestIdAlreadyUsed": ProblemKind(400, _STATE, "RequestId was used with other content"),
    "InvalidReason": ProblemKind(400, _INVALID, "The reason does not fit the operation"),
    "ParticipantInvalid": ProblemKind(400, _INVALID, "The participant cannot do the operation"),
    "EntryInvalid": ProblemKind(400, _INVALID, "The entry has invalid fields"),
    "EntryLimitExceeded": ProblemKind(400, _STATE, "The account has its maximum of keys"),
    "EntryAlreadyExists": ProblemKind(
        400, _STATE, "The entry exists, with the same participant and owner"
    ),
    "EntryKeyOwnedByDifferentPerson": ProblemKind(400, _STATE, "Another person owns the key"),
    "EntryKeyInCustodyOfDifferentParticipant": ProblemKind(
        400, _STATE, "The same owner has the key at another participant"
    ),
    "EntryLockedByClaim": ProblemKind(400, _STATE, "A claim is open on the key"),
    "EntryTaxIdNumberByDifferentOwner": ProblemKind(400, _STATE, "The tax id is not the owner's"),
    "ClaimInvalid": ProblemKind(400, _INVALID, "The claim has invalid fields"),
    "ClaimTypeInconsistent": ProblemKind(400, _STATE, "The type of claim does not fit the owner"),
    "ClaimKeyNotFound": ProblemKind(
        404, grpc.StatusCode.NOT_FOUND, "There is no entry with the claimed key"
    ),
    "ClaimAlreadyExistsForKey": ProblemKind(400, _STATE, "The key has an open claim"),
    "ClaimResultingEntryAlreadyExists": ProblemKind(
        400, _STATE, "The entry that would result exists already"
    ),
    "ClaimOperationInvalid": ProblemKind(
        400, _STATE, "The claim's status does not allow the operation"
    ),
    "ClaimResolutionPeriodNotEnded": ProblemKind(
        400, _STATE, "The resolution period has not ended"
    ),
    "ClaimCompletionPeriodNotEnded": ProblemKind(
        400, _STATE, "The completion period has not ended"
    ),
}


class DictProblem(Exception):
    """DICT refuses. `detail` and violations may hold personal data; `str()` is the type alone."""

    def __init__(
        self, type_name: str, detail: str = "", violations: tuple[Violation, ...] = ()
    ) -> None:
        self.type_name = type_name
        self.kind = PROBLEM_KINDS[type_name]
        self.detail = detail or self.kind.title
        self.violations = violations
        super().__init__(type_name)
