"""Development keysets: `python -m dict_common.secrecy.development FOLDER` makes what is missing."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex

from dict_common.secrecy.keysets import (
    PUBLIC_PARTS,
    TEMPLATES,
    KeysetFolder,
    generated,
    public_part,
    write_secret,
)
from dict_common.secrecy.operators import signed_token

ISSUER = "dict-connect-development"
OPERATOR = "developer"
OPERATOR_JWT = "operator.jwt"
TOKEN_LIFETIME = timedelta(days=365)
NOTIFY = "notify.secret"


def make_missing(folder: Path) -> tuple[str, ...]:
    """Makes the keysets that `folder` lacks, readable by the owner alone; answers their names."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = []
    for name in TEMPLATES:
        if not (folder / f"{name}.json").exists():
            write_secret(folder / f"{name}.json", generated(name))
            made.append(name)
    for private, public in PUBLIC_PARTS.items():
        text = public_part((folder / f"{private}.json").read_text(encoding="utf-8"))
        target = folder / f"{public}.json"
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            write_secret(target, text)
            made.append(public)
    if not (folder / OPERATOR_JWT).exists() or "operator-issuer-public" in made:
        signer = KeysetFolder(folder).private("operator-issuer-private")
        now = datetime.now(UTC)
        write_secret(
            folder / OPERATOR_JWT, signed_token(signer, ISSUER, OPERATOR, now, TOKEN_LIFETIME)
        )
        made.append(OPERATOR_JWT)
    if not (folder / NOTIFY).exists():
        write_secret(folder / NOTIFY, token_hex(32))
        made.append(NOTIFY)
    return tuple(made)


def main(arguments: list[str]) -> int:
    """Exit status 0, or 2 for a wrong call."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m dict_common.secrecy.development FOLDER\n")
        return 2
    made = make_missing(Path(arguments[0]))
    sys.stdout.write(f"made: {', '.join(made)}\n" if made else "all keysets are there\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
