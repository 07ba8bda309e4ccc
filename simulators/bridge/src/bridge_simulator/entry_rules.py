"""What may be done to an entry, by section 2 of Bacen's rules. Pure; raises DictProblem."""

from bridge_simulator import formats
from bridge_simulator.problems import DictProblem, Violation
from bridge_simulator.records import Account, Claim, Entry, EntryOrder, Owner

CREATE_REASONS = frozenset({"USER_REQUESTED", "RECONCILIATION"})
UPDATE_REASONS = frozenset(
    {"USER_REQUESTED", "BRANCH_TRANSFER", "RECONCILIATION", "RFB_VALIDATION"}
)
EVP_UPDATE_REASONS = UPDATE_REASONS - {"USER_REQUESTED"}
DELETE_REASONS = frozenset(
    {"USER_REQUESTED", "ACCOUNT_CLOSURE", "RECONCILIATION", "FRAUD", "RFB_VALIDATION"}
)
KEYS_MAX = {"NATURAL_PERSON": 5, "LEGAL_PERSON": 20}
"""Keys of one account, by its holder."""


def check_order(order: EntryOrder, reason: str) -> None:
    """What is wrong with a new entry without looking at any state."""
    formats.require_participant(order.account.participant)
    violations = list(_person_and_account(order.owner, order.account))
    if order.key_type != "EVP":
        violations += formats.key_violations(order.key, order.key_type)
    elif order.key:
        violations.append(Violation("is made by DICT: leave it out", order.key, "Key"))
    _refuse(violations)
    if reason not in CREATE_REASONS:
        raise DictProblem("InvalidReason")
    is_tax_id = order.key_type in ("CPF", "CNPJ")
    if is_tax_id and order.key.upper() != order.owner.tax_id_number.upper():
        raise DictProblem("EntryTaxIdNumberByDifferentOwner")


def check_create(
    order: EntryOrder, existing: Entry | None, claim: Claim | None, account_keys: int
) -> None:
    """`claim` is the open one on the key, `account_keys` how many the account has already."""
    if claim is not None:
        raise DictProblem("EntryLockedByClaim")
    if existing is not None:
        if existing.owner.tax_id_number != order.owner.tax_id_number:
            raise DictProblem("EntryKeyOwnedByDifferentPerson")
        if existing.account.participant != order.account.participant:
            raise DictProblem("EntryKeyInCustodyOfDifferentParticipant")
        raise DictProblem("EntryAlreadyExists")
    if account_keys >= KEYS_MAX[order.owner.type]:
        raise DictProblem("EntryLimitExceeded")


def check_update(entry: Entry, account: Account, owner: Owner, reason: str) -> None:
    """Account data and names may change, also while a claim waits; the owner may not."""
    _require_holder(entry, account.participant)
    _refuse(list(_person_and_account(owner, account)))
    if reason not in (EVP_UPDATE_REASONS if entry.key_type == "EVP" else UPDATE_REASONS):
        raise DictProblem("InvalidReason")
    if (owner.type, owner.tax_id_number) != (entry.owner.type, entry.owner.tax_id_number):
        raise DictProblem("EntryTaxIdNumberByDifferentOwner")


def check_delete(entry: Entry, participant: str, reason: str, claim: Claim | None) -> None:
    """`claim` is the open one on the key."""
    _require_holder(entry, participant)
    if reason not in DELETE_REASONS:
        raise DictProblem("InvalidReason")
    if claim is not None:
        raise DictProblem("EntryLockedByClaim")


def _require_holder(entry: Entry, participant: str) -> None:
    if entry.account.participant != participant:
        raise DictProblem("Forbidden")


def _person_and_account(owner: Owner, account: Account) -> list[Violation]:
    return [
        *formats.account_violations(account, "Account"),
        *formats.owner_violations(owner, "Owner"),
    ]


def _refuse(violations: list[Violation]) -> None:
    if violations:
        names = ", ".join(violation.property for violation in violations)
        raise DictProblem("EntryInvalid", names, tuple(violations))
