"""Connections and profile that every process shares: environment variables `DICT_*`.

A service's own settings derive from this class with its own prefix beside it.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DAY_SECONDS = 86_400


class SharedSettings(BaseSettings):
    """Read once at start; a missing or wrong value ends the process with the variable's name."""

    model_config = SettingsConfigDict(env_prefix="DICT_", frozen=True, extra="ignore")

    environment: Literal["development", "homologation", "production"]
    postgres_url: str
    """Without user and password: each program names its role; libpq's PGPASSFILE has the rest."""
    pulsar_url: Annotated[str, Field(pattern=r"^pulsar(\+ssl)?://[^/\s]+")]
    pulsar_admin_url: str
    pulsar_tenant: str = "dict"
    temporal_address: str
    temporal_namespace: str = "dict"
    temporal_task_queue: str = "dict-task-queue"
    redis_url: str = ""
    redis_prefix: str = ""
    bridge_address: str
    keys_dir: Path
    claim_day_seconds: Annotated[int, Field(ge=1, le=DAY_SECONDS)] = DAY_SECONDS
    """Length of a claim's day: the same for services and simulator; shorter only to try things."""
    operator_token_file: Path | None = None
    """The operator's token for `dictctl`; operator.jwt in the keys' folder if unset."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    probe_address: str = "127.0.0.1:0"
    """host:port of /livez /readyz /startupz /metrics; port 0 takes a free one."""
    trace_file: Path | None = None
    """Spans as JSON lines, for a collector that reads files; none if unset."""

    @model_validator(mode="after")
    def _real_days_in_production(self) -> Self:
        if self.environment == "production" and self.claim_day_seconds != DAY_SECONDS:
            raise ValueError(
                "DICT_CLAIM_DAY_SECONDS must be 86400 in production: deadlines are law"
            )
        return self
