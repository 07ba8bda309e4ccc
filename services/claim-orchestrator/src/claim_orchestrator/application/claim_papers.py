"""Key, account and person of a claim: sealed in its row, opened only inside the step that needs
them. Temporal never sees them.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from claim_orchestrator.application.ports import KeptClaim
from dict_common.ports.directory import Account, ClaimRequest, Person
from dict_common.ports.sealing import RestSealer

KEY_CONTEXT = "workflows.claim_workflows.key_encrypted"
PAPERS_CONTEXT = "workflows.claim_workflows.papers_encrypted"


@dataclass(frozen=True)
class ClaimPapers:
    """The claimer's account and person; all personal, left out of `repr`."""

    account_branch: str | None
    account_number: str
    account_type: str
    account_opening_date: datetime
    claimer_type: str
    claimer_tax_id: str
    claimer_name: str
    claimer_trade_name: str | None

    def __repr__(self) -> str:
        return "ClaimPapers()"

    def sealed(self, rest: RestSealer) -> bytes:
        """For `papers_encrypted`."""
        plain = asdict(self) | {"account_opening_date": self.account_opening_date.isoformat()}
        return rest.seal(PAPERS_CONTEXT, json.dumps(plain, ensure_ascii=False).encode())


def key_of(kept: KeptClaim, rest: RestSealer) -> str | None:
    """The claimed key, None once it was erased. Raises CiphertextInvalid."""
    if kept.key_encrypted is None:
        return None
    return rest.open(KEY_CONTEXT, kept.key_encrypted).decode()


def papers_of(kept: KeptClaim, rest: RestSealer) -> ClaimPapers | None:
    """Account and person, None once they were erased. Raises CiphertextInvalid."""
    if kept.papers_encrypted is None:
        return None
    plain = json.loads(rest.open(PAPERS_CONTEXT, kept.papers_encrypted))
    opening_date = datetime.fromisoformat(plain.pop("account_opening_date"))
    return ClaimPapers(account_opening_date=opening_date, **plain)


def claim_request(kept: KeptClaim, key: str, papers: ClaimPapers) -> ClaimRequest:
    """What createClaim sends."""
    return ClaimRequest(
        type=kept.type,
        key_type=kept.key_type,
        key=key,
        account=Account(
            participant=kept.participant,
            branch=papers.account_branch,
            number=papers.account_number,
            type=papers.account_type,
            opening_date=papers.account_opening_date,
        ),
        claimer=Person(
            type=papers.claimer_type,
            tax_id=papers.claimer_tax_id,
            name=papers.claimer_name,
            trade_name=papers.claimer_trade_name,
        ),
    )
