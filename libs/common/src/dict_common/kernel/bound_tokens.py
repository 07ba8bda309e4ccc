"""An operator's token inside a command, bound to that command.

The text `<JWT> <hex SHA-256 of id and body>` is sealed as a whole: cut out of a topic and put into
another command, it is worth nothing.
"""

import hashlib
from collections.abc import Mapping
from uuid import UUID

from dict_common.kernel.canonical import canonical
from dict_common.kernel.errors import InputRefused

TOKEN = "token"  # noqa: S105 a name
"""The field that holds it."""


def bound_token(token: str, command_id: UUID, record: Mapping[str, object]) -> str:
    """The token as it travels: for the command of that id with these other fields, and no other."""
    command = canonical({**record, "ce_id": str(command_id), TOKEN: None})
    return f"{token} {hashlib.sha256(command).hexdigest()}"


def token_of(command_id: UUID, record: Mapping[str, object]) -> str:
    """The JWT out of a command. Raises InputRefused `token-invalid` if it came with another."""
    travelled = str(record.get(TOKEN) or "")
    token = travelled.partition(" ")[0]
    if travelled != bound_token(token, command_id, record):
        raise InputRefused(
            "token-invalid", "the token was not made for this command: its id or a field differs"
        )
    return token
