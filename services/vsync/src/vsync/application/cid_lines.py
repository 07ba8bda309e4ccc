"""Entries as JSON lines, and CIDs as lines of text: what `dictctl vsync cid` and `xor` read."""

import json
import re
from uuid import UUID

from dict_common.kernel.errors import InputRefused
from vsync.domain.cid import CidAttributes

FIELDS = frozenset({*CidAttributes._fields, "request_id"})
_CID = re.compile(rb"[0-9a-fA-F]{64}")


def entry_of(line: bytes) -> tuple[UUID, CidAttributes]:
    """RequestId and attributes of `{"key_type": …, "request_id": …}`; what is absent is empty.

    Raises InputRefused naming the field and the rule, never a value.
    """
    try:
        record = json.loads(line)
    except ValueError:
        raise InputRefused("line-invalid", "is not one JSON object in UTF-8") from None
    if not isinstance(record, dict):
        raise InputRefused("line-invalid", "is not one JSON object in UTF-8")
    if strangers := sorted(record.keys() - FIELDS):
        known = ", ".join((*CidAttributes._fields, "request_id"))
        raise InputRefused("field-unknown", f"field {strangers[0]!a} is not one of {known}")
    texts = {name: _text(name, value) for name, value in record.items()}
    request_id = _request_id(texts.pop("request_id", ""))
    return request_id, CidAttributes(**dict.fromkeys(CidAttributes._fields, "") | texts)


def cid_in(line: bytes) -> bytes:
    """The CID that a line holds. Raises InputRefused."""
    if _CID.fullmatch(line) is None:
        raise InputRefused("line-invalid", "is not a CID: 64 hexadecimal digits")
    return bytes.fromhex(line.decode("ascii"))


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputRefused("field-invalid", f"{name} must be text in quotes: its zeros count")
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise InputRefused("field-invalid", f"{name} holds half a character, which no text has")
    return value


def _request_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InputRefused(
            "field-invalid", "request_id must be the UUID of createEntry or completeClaim"
        ) from None
