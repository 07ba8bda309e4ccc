"""What an installation of claim-orchestrator decides: `CLAIM_ORCHESTRATOR_*`."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """Beside the shared `DICT_*` settings."""

    model_config = SettingsConfigDict(env_prefix="CLAIM_ORCHESTRATOR_", frozen=True, extra="ignore")

    participants: Annotated[frozenset[str], NoDecode]
    """ISPBs that this installation speaks for, direct and indirect, separated by commas."""
    create_retry_seconds: Annotated[int, Field(ge=1, le=86_400)] = 3_600
    """How long createClaim is tried before the claim fails."""

    @field_validator("participants", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("participants")
    @classmethod
    def _some(cls, value: frozenset[str]) -> frozenset[str]:
        if not value:
            raise ValueError("name at least one ISPB")
        return value
