"""What an installation of vsync decides: `VSYNC_*`."""

from pydantic_settings import BaseSettings, SettingsConfigDict

from dict_common.settings.participants import Participants


class Settings(BaseSettings):
    """Beside the shared `DICT_*` settings."""

    model_config = SettingsConfigDict(env_prefix="VSYNC_", frozen=True, extra="ignore")

    participants: Participants
    """Whom this installation speaks for."""
