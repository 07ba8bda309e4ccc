"""The migrations of the database and the final state they add up to."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache

from dict_schemas.location import contracts_folder

_FILE_NAME = re.compile(r"(?P<version>V[0-9]{3})__(?P<name>[a-z0-9_]+)\.sql")


class MigrationNameInvalid(ValueError):
    """A file under sql/migrations is not called `V010__verb_and_noun.sql`, or its number twice."""


@dataclass(frozen=True)
class Migration:
    """`version` is `V010`, `name` the words behind it; `sha256` (hex) is over the file's bytes."""

    version: str
    name: str
    text: str
    sha256: str


@cache
def migrations() -> tuple[Migration, ...]:
    """All migrations in the order in which they run. Raises MigrationNameInvalid."""
    found: dict[str, Migration] = {}
    for path in sorted((contracts_folder() / "sql" / "migrations").glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None or match["version"] in found:
            raise MigrationNameInvalid(
                f"{path.name}: call it V<next number>__<words>.sql, each number once"
            )
        content = path.read_bytes()
        found[match["version"]] = Migration(
            version=match["version"],
            name=match["name"],
            text=content.decode("utf-8"),
            sha256=hashlib.sha256(content).hexdigest(),
        )
    return tuple(found.values())


def schema_sql() -> str:
    """The final state of the database; a contract test proves it equals the migrations' sum."""
    return (contracts_folder() / "sql" / "schema.sql").read_text(encoding="utf-8")
