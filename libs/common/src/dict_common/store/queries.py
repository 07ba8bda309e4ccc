"""Named queries: typed SQL in `.sql` files beside the adapter that runs them.

A file holds blocks that begin with `-- name: <name>`; comments under it say what it promises.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

_NAME = re.compile(r"^-- name: ([a-z0-9_]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Query:
    """A statement and the name that logs and metrics know it by."""

    name: str
    sql: str


@cache
def load_queries(package: str, file: str) -> dict[str, Query]:
    """The queries of `<package>/sql/<file>.sql`. Raises ValueError for a name given twice."""
    text = resources.files(package).joinpath("sql", f"{file}.sql").read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{package}/sql/{file}.sql names a query twice")
    return {
        name: Query(name, body.strip().rstrip(";"))
        for name, body in zip(names, bodies, strict=True)
    }
