"""One form for equal contents: what is compared or hashed is made of it."""

import json
from collections.abc import Mapping
from datetime import datetime

from dict_common.kernel.clock import to_rfc3339


def canonical(record: Mapping[str, object]) -> bytes:
    """The record as JSON, sorted names, no blanks, absent values left out.

    Equal content gives equal bytes, also under a later schema that adds a field nobody set.
    """
    present = {name: value for name, value in record.items() if value is not None}
    return json.dumps(
        present, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    ).encode()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return to_rfc3339(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")
