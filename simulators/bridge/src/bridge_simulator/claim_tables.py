"""Who may do what to a claim, when and why, as data: sections 1.1 to 1.4 of Bacen's rules."""

from enum import Enum

from bridge_simulator.records import (
    CLAIMER,
    CONFIRMED,
    DONOR,
    OPEN,
    OWNERSHIP,
    PORTABILITY,
    WAITING_RESOLUTION,
)


class When(Enum):
    """From when on a reason may be given."""

    ALWAYS = "always"
    AFTER_RESOLUTION = "after ResolutionPeriodEnd, else ClaimResolutionPeriodNotEnded"
    AFTER_DAY_30 = "after the claimer's limit, else InvalidReason"


KEY_TYPES: dict[str, frozenset[str]] = {
    PORTABILITY: frozenset({"CPF", "CNPJ", "PHONE", "EMAIL"}),
    OWNERSHIP: frozenset({"PHONE"}),
}

CONFIRM_REASONS: dict[str, dict[str, When]] = {
    PORTABILITY: {"USER_REQUESTED": When.ALWAYS, "ACCOUNT_CLOSURE": When.ALWAYS},
    OWNERSHIP: {"USER_REQUESTED": When.ALWAYS, "DEFAULT_OPERATION": When.AFTER_RESOLUTION},
}

_PORTABILITY_DONOR = {
    "USER_REQUESTED": When.ALWAYS,
    "FRAUD": When.ALWAYS,
    "DEFAULT_OPERATION": When.AFTER_RESOLUTION,
}
_PORTABILITY_CLAIMER = {
    "USER_REQUESTED": When.ALWAYS,
    "ACCOUNT_CLOSURE": When.ALWAYS,
    "FRAUD": When.ALWAYS,
    "RFB_VALIDATION": When.ALWAYS,
}
_OWNERSHIP_DONOR = {"FRAUD": When.ALWAYS}
_OWNERSHIP_CLAIMER = {
    "USER_REQUESTED": When.ALWAYS,
    "ACCOUNT_CLOSURE": When.ALWAYS,
    "FRAUD": When.ALWAYS,
    "DEFAULT_OPERATION": When.AFTER_DAY_30,
}

CANCEL_REASONS: dict[tuple[str, str, str], dict[str, When]] = {
    (PORTABILITY, OPEN, DONOR): _PORTABILITY_DONOR,
    (PORTABILITY, WAITING_RESOLUTION, DONOR): _PORTABILITY_DONOR,
    (PORTABILITY, OPEN, CLAIMER): _PORTABILITY_CLAIMER | {"RECONCILIATION": When.ALWAYS},
    (PORTABILITY, WAITING_RESOLUTION, CLAIMER): _PORTABILITY_CLAIMER,
    (PORTABILITY, CONFIRMED, CLAIMER): {
        "FRAUD": When.ALWAYS,
        "RECONCILIATION": When.ALWAYS,
        "RFB_VALIDATION": When.ALWAYS,
    },
    (OWNERSHIP, OPEN, DONOR): _OWNERSHIP_DONOR,
    (OWNERSHIP, WAITING_RESOLUTION, DONOR): _OWNERSHIP_DONOR,
    (OWNERSHIP, CONFIRMED, DONOR): _OWNERSHIP_DONOR,
    (OWNERSHIP, OPEN, CLAIMER): _OWNERSHIP_CLAIMER,
    (OWNERSHIP, WAITING_RESOLUTION, CLAIMER): _OWNERSHIP_CLAIMER,
    (OWNERSHIP, CONFIRMED, CLAIMER): _OWNERSHIP_CLAIMER,
}
"""(type, status, role) → reasons; what is not in here is ClaimOperationInvalid."""
