"""Where things are: the shared settings, as far as a command needs them."""

from dict_common.console.failures import CommandFailed, Exit
from dict_common.kernel.errors import ConfigurationInvalid
from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings


def shared() -> SharedSettings:
    """The `DICT_*` settings. Raises CommandFailed saying how to get them."""
    try:
        return read_settings(SharedSettings)
    except ConfigurationInvalid as error:
        raise CommandFailed(
            Exit.USAGE,
            f"{error.detail}",
            "./dev up && ./dev run dictctl …   (or set the DICT_* variables)",
        ) from None
