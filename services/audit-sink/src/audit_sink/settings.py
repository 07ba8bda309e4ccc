"""What an installation of audit-sink decides: `AUDIT_SINK_*`."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Beside the shared `DICT_*` settings."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_SINK_", frozen=True, extra="ignore")

    months_ahead: Annotated[int, Field(ge=2, le=24)] = 3
    """Partitions made ahead of the present month; with one the alarm would ring each month."""

    dead_letters_max: Annotated[int, Field(ge=1)] = 1_000
    """So many dead letters within the window are never too many."""

    dead_letters_ratio_max: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Beyond that, the sink waits while more than this part of the window's messages is bad."""

    dead_letters_window_seconds: Annotated[float, Field(ge=1)] = 600.0
    """How far back both look."""

    queue_messages: Annotated[int, Field(ge=100, le=2_000)] = 2_000
    """Messages that the client holds for us. As many as a batch has: a smaller queue cuts batches;
    for a while, where large ones fill the memory."""

    operator_issuer: str = "dict-connect-development"
    """The `iss` of operators' tokens; their key is operator-issuer-public.json in DICT_KEYS_DIR."""
    redrive_per_second: Annotated[int, Field(ge=1, le=1_000)] = 50
    """Dead letters given back in a second, where a request does not say."""
