"""What an installation of audit-sink decides: `AUDIT_SINK_*`."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Beside the shared `DICT_*` settings."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_SINK_", frozen=True, extra="ignore")

    months_ahead: Annotated[int, Field(ge=1, le=24)] = 3
    """Partitions made ahead of the present month."""
