"""Bacen's patterns, by section 2 (2.12.1: alphanumeric ISPB and CNPJ)."""

import re
from collections.abc import Iterator
from uuid import RFC_4122, UUID

from bridge_simulator.problems import DictProblem, Violation
from bridge_simulator.records import Account, Owner

KEY_CHARACTERS_MAX = 77
NAME_CHARACTERS_MAX = 150
TRADE_NAME_CHARACTERS_MAX = 100

KEY_PATTERNS = {
    "CPF": re.compile(r"[0-9]{11}"),
    "CNPJ": re.compile(r"[A-Za-z0-9]{14}"),
    "PHONE": re.compile(r"\+[1-9][0-9]{1,14}"),
    "EMAIL": re.compile(
        r"[a-z0-9.!#$'*+\/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
        r"(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
    ),
    "EVP": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
}
ACCOUNT_TYPES = frozenset({"CACC", "TRAN", "SLRY", "SVGS", "OTHR"})
TAX_ID_PATTERNS = {
    "NATURAL_PERSON": re.compile(r"[0-9]{11}"),
    "LEGAL_PERSON": re.compile(r"[A-Za-z0-9]{14}"),
}
_PARTICIPANT = re.compile(r"[A-Za-z0-9]{8}")
_BRANCH = re.compile(r"[0-9]{1,4}")
_ACCOUNT_NUMBER = re.compile(r"[A-Za-z0-9]{1,20}")
_CID = re.compile(r"[0-9a-f]{64}")
_RULE = "does not fit its pattern"


def is_participant(participant: str) -> bool:
    """Whether it is an ISPB of 8 letters and digits."""
    return _PARTICIPANT.fullmatch(participant) is not None


def require_participant(participant: str) -> None:
    """Raises ParticipantInvalid unless it is an ISPB of 8 letters and digits."""
    if not is_participant(participant):
        raise DictProblem("ParticipantInvalid", "Participant: 8 letters and digits")


def require_key_type(key_type: str) -> None:
    """Raises BadRequest for anything but the five key types."""
    if key_type not in KEY_PATTERNS:
        raise DictProblem("BadRequest", "KeyType", (Violation(_RULE, key_type, "KeyType"),))


def require_cid(cid: str, name: str) -> None:
    """Raises BadRequest unless it is 64 lower-case hexadecimal digits."""
    if not _CID.fullmatch(cid):
        raise DictProblem("BadRequest", name, (Violation(_RULE, cid, name),))


def require_request_id(request_id: str, problem_type: str) -> None:
    """Raises `problem_type` unless it is a UUIDv4 in its usual text form."""
    try:
        parsed = UUID(request_id)
    except ValueError:
        parsed = None
    right = parsed is not None and parsed.version == 4 and parsed.variant == RFC_4122
    if not right or str(parsed) != request_id.lower():
        violation = Violation("is no UUIDv4", request_id, "RequestId")
        raise DictProblem(problem_type, "RequestId", (violation,))


def key_violations(key: str, key_type: str) -> Iterator[Violation]:
    """What is wrong with a key and its type."""
    pattern = KEY_PATTERNS.get(key_type)
    if pattern is None:
        yield Violation("is no key type", key_type, "KeyType")
    elif not pattern.fullmatch(key) or len(key) > KEY_CHARACTERS_MAX:
        yield Violation(_RULE, key, "Key")


def account_violations(account: Account, name: str) -> Iterator[Violation]:
    """What is wrong with an account; `name` is Bacen's of the element, for example `Account`."""
    if account.branch is not None and not _BRANCH.fullmatch(account.branch):
        yield Violation(_RULE, account.branch, f"{name}.Branch")
    if not _ACCOUNT_NUMBER.fullmatch(account.account_number):
        yield Violation(_RULE, account.account_number, f"{name}.AccountNumber")
    if account.account_type not in ACCOUNT_TYPES:
        yield Violation("is no account type", account.account_type, f"{name}.AccountType")
    if account.opening_date is None:
        yield Violation("is missing", "", f"{name}.OpeningDate")


def owner_violations(owner: Owner, name: str) -> Iterator[Violation]:
    """What is wrong with a person; `name` is Bacen's of the element, for example `Owner`."""
    pattern = TAX_ID_PATTERNS.get(owner.type)
    if pattern is None:
        yield Violation("is no type of person", owner.type, f"{name}.Type")
    elif not pattern.fullmatch(owner.tax_id_number):
        yield Violation(_RULE, owner.tax_id_number, f"{name}.TaxIdNumber")
    if not 1 <= len(owner.name) <= NAME_CHARACTERS_MAX:
        yield Violation(f"has 1 to {NAME_CHARACTERS_MAX} characters", owner.name, f"{name}.Name")
    if owner.trade_name is not None:
        if owner.type != "LEGAL_PERSON":
            yield Violation("is for legal persons", owner.trade_name, f"{name}.TradeName")
        elif not 1 <= len(owner.trade_name) <= TRADE_NAME_CHARACTERS_MAX:
            yield Violation(
                f"has 1 to {TRADE_NAME_CHARACTERS_MAX} characters",
                owner.trade_name,
                f"{name}.TradeName",
            )
