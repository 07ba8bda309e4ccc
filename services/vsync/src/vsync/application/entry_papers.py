"""An entry's values: sealed in its row, opened only where a CID is made anew or DICT is asked."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dict_common.ports.sealing import RestSealer
from vsync.domain.cid import CidAttributes, cid_of

CONTEXT = "vsync.entries.sealed"


@dataclass(frozen=True)
class EntryPapers:
    """The nine inputs of a CID and its secret; personal, left out of `repr`."""

    request_id: UUID
    attributes: CidAttributes
    opening_date: datetime | None = None
    """Of the account: no input of the CID, and known only where somebody told it."""

    def __repr__(self) -> str:
        return "EntryPapers()"

    @property
    def cid(self) -> bytes:
        """32 bytes."""
        return cid_of(self.request_id, self.attributes)

    def key_hash(self, rest: RestSealer) -> str:
        """The keyed hash that finds an entry by its key: a key is unique within its type."""
        return rest.look_up_hash(f"{self.attributes.key_type}&{self.attributes.key}")

    def sealed(self, rest: RestSealer) -> bytes:
        """For `entries.sealed`."""
        opened = None if self.opening_date is None else self.opening_date.isoformat()
        plain = [str(self.request_id), *self.attributes, opened]
        return rest.seal(CONTEXT, json.dumps(plain, ensure_ascii=False).encode())


def papers_in(sealed: bytes, rest: RestSealer) -> EntryPapers:
    """What was sealed. Raises CiphertextInvalid."""
    request_id, *values = json.loads(rest.open(CONTEXT, sealed))
    inputs = len(CidAttributes._fields)
    opened = values[inputs] if len(values) > inputs else None  # older rows have none
    opening_date = None if opened is None else datetime.fromisoformat(opened)
    return EntryPapers(UUID(request_id), CidAttributes(*values[:inputs]), opening_date)
