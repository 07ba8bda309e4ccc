"""What an installation of claim-orchestrator decides: `CLAIM_ORCHESTRATOR_*`."""

from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from dict_common.settings.participants import Participants

DAYS_MAX = 30


class Settings(BaseSettings):
    """Beside the shared `DICT_*` settings."""

    model_config = SettingsConfigDict(env_prefix="CLAIM_ORCHESTRATOR_", frozen=True, extra="ignore")

    participants: Participants
    """Whom this installation speaks for."""
    create_retry_seconds: Annotated[int, Field(ge=1, le=86_400)] = 3_600
    """How long createClaim is tried before the claim is looked for, and then fails."""
    decision_grace_seconds: Annotated[int, Field(ge=0, le=86_400)] = 3_600
    """How long a default action waits for a broker, consumer or database that is away."""
    deadline_margins_days: Annotated[tuple[float, ...], NoDecode] = (5.0, 1.0)
    """How many days before a deadline it is announced, separated by commas; empty: never."""
    possession: Literal["required", "skipped"] = "required"
    """Whether an OWNERSHIP claim waits for otp.validated; `skipped` is refused in production."""
    notify_url: str = ""
    """Where ended claims are told to (POST, signed); empty: nobody is told."""
    bridge_requests_kept_days: Annotated[int, Field(ge=45, le=3_650)] = 400
    """How long calls to the Bridge and their answers are kept."""
    operator_issuer: str = "dict-connect-development"
    """The `iss` of operators' tokens; their key is operator-issuer-public.json in DICT_KEYS_DIR."""

    @field_validator("deadline_margins_days", mode="before")
    @classmethod
    def _numbers(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("deadline_margins_days")
    @classmethod
    def _within(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 < days <= DAYS_MAX for days in value):
            raise ValueError(f"days before the deadline: above 0, at most {DAYS_MAX}")
        return value
