"""What every process of vsync shares."""

from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings
from dict_common.store.database import PoolSize
from dict_common.telemetry.process import ProcessFrame
from vsync.settings import Settings

SERVICE = "vsync"
ROLE = "vsync"
CONSUMER_POOL = PoolSize(1, 5)


def settings() -> tuple[SharedSettings, Settings]:
    """Both records from the environment. Raises ConfigurationInvalid."""
    return read_settings(SharedSettings), read_settings(Settings)


def frame(process: str) -> ProcessFrame:
    """Name, log level and probes of a process. Raises ConfigurationInvalid."""
    shared, _ = settings()
    return ProcessFrame(
        f"{SERVICE}-{process}", shared.log_level, shared.probe_address, shared.trace_file
    )
