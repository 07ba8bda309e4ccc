"""Reads settings so that a mistake is one clear line and exit status 78 (EX_CONFIG)."""

from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from dict_common.kernel.errors import ConfigurationInvalid

_Settings = TypeVar("_Settings", bound=BaseSettings)


def read_settings(kind: type[_Settings]) -> _Settings:
    """The settings from the environment. Raises ConfigurationInvalid naming each variable."""
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        complaints = "; ".join(
            f"{prefix}{'_'.join(str(part) for part in problem['loc'])}".upper()
            + f": {problem['msg']}"
            for problem in error.errors()
        )
        raise ConfigurationInvalid("settings-invalid", complaints) from None
