"""Example bodies, one file for each case: `examples/<name>/<version>/<case>.json`.

Bytes stand as base64 text; personal fields hold ciphertext-shaped placeholders that no key opens.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from dict_schemas.location import contracts_folder


@dataclass(frozen=True)
class Example:
    """One body in JSON values; `case` says in kebab case what it shows."""

    name: str
    version: int
    case: str
    body: dict[str, Any]


@cache
def examples(name: str) -> tuple[Example, ...]:
    """Examples of a schema by version and case; empty for an unknown name. Do not change them."""
    folder = contracts_folder() / "examples" / name
    paths = sorted(folder.glob("*/*.json"), key=lambda path: (int(path.parent.name), path.stem))
    return tuple(
        Example(
            name=name,
            version=int(path.parent.name),
            case=path.stem,
            body=json.loads(path.read_text(encoding="utf-8")),
        )
        for path in paths
    )
