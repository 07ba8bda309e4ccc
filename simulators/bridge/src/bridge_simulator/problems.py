"""Bacen's problems: type, HTTP status, gRPC status, title.

Section 1.7 of RULES.md: 400 unless a type says otherwise. No rule here gives the types at the end:
only an injected fault does.
"""

from dataclasses import dataclass, replace

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
    "Gone": ProblemKind(410, grpc.StatusCode.NOT_FOUND, "It was there and is no more"),
    "DeprecatedResource": ProblemKind(410, grpc.StatusCode.NOT_FOUND, "This call is no more"),
    "RequestSignatureInvalid": ProblemKind(400, _INVALID, "The signature is wrong"),
    "TaxIdNumberBlocked": ProblemKind(400, _STATE, "The tax id is blocked"),
    "UserOrAccountWithFraudRelatedRestriction": ProblemKind(
        400, _STATE, "The user or the account is restricted for fraud"
    ),
    "EntryCannotBeQueriedForBookTransfer": ProblemKind(
        400, _STATE, "The entry is not for transfers inside one participant"
    ),
    "EntryBlocked": ProblemKind(400, _STATE, "The entry is blocked"),
    "EntryWithFraudRelatedRestriction": ProblemKind(
        400, _STATE, "The entry is restricted for fraud"
    ),
}

_GRPC_OF_HTTP = {
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ABORTED,
    410: grpc.StatusCode.NOT_FOUND,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}


def kind_of(type_name: str, http_status: int | None = None) -> ProblemKind:
    """Bacen's kind of a type, under another HTTP status if one is given; 400 for unknown types."""
    known = PROBLEM_KINDS.get(type_name)
    if known is not None and http_status in (None, known.http_status):
        return known
    status = http_status or 400
    by_class = grpc.StatusCode.INTERNAL if status >= 500 else _INVALID
    kind = known or ProblemKind(status, by_class, type_name)
    return replace(kind, http_status=status, grpc_status=_GRPC_OF_HTTP.get(status, by_class))


class DictProblem(Exception):
    """DICT refuses. `detail` and violations may hold personal data; `str()` is the type alone."""

    def __init__(
        self,
        type_name: str,
        detail: str = "",
        violations: tuple[Violation, ...] = (),
        *,
        kind: ProblemKind | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        self.type_name = type_name
        self.kind = kind or PROBLEM_KINDS[type_name]
        self.detail = detail or self.kind.title
        self.violations = violations
        self.retry_after_seconds = retry_after_seconds
        super().__init__(type_name)
