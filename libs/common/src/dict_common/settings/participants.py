"""Which participants an installation speaks for, as every service reads it."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode


def _split(value: object) -> object:
    if isinstance(value, str):
        return frozenset(part.strip() for part in value.split(",") if part.strip())
    return value


def _some(value: frozenset[str]) -> frozenset[str]:
    if not value:
        raise ValueError("name at least one ISPB")
    return value


Participants = Annotated[frozenset[str], NoDecode, BeforeValidator(_split), AfterValidator(_some)]
"""ISPBs, direct and indirect, separated by commas."""
