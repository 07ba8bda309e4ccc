"""What an installation of vsync decides: `VSYNC_*`."""

import tempfile
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from dict_common.settings.participants import Participants


class _Shared(BaseSettings):
    """What processes and console read alike, beside the shared `DICT_*` settings."""

    model_config = SettingsConfigDict(env_prefix="VSYNC_", frozen=True, extra="ignore")

    task_queue: str = "vsync-task-queue"
    work_dir: Path = Path(tempfile.gettempdir()) / "dict-connect-vsync"
    """Room for two files of a set, 115 bytes a key, while they are compared."""
    operator_issuer: str = "dict-connect-development"
    """The `iss` of operators' tokens; their key is operator-issuer-public.json in DICT_KEYS_DIR."""


class Settings(_Shared):
    """Of the processes."""

    participants: Participants
    """Whom this installation speaks for."""
    sets_at_once: Annotated[int, Field(ge=1, le=50)] = 5
    """Runs over sets side by side, within a participant and across."""
    files_a_day: Annotated[int, Field(ge=0, le=40)] = 40
    """Files of CIDs that all sets share within 24 hours; Bacen gives forty."""
    between_tries_seconds: Annotated[float, Field(ge=0.1, le=600)] = 10.0
    settle_seconds: Annotated[float, Field(ge=0, le=3_600)] = 60.0
    """An event of DICT younger than this is not judged yet: Core's report may be on its way."""
    file_poll_seconds: Annotated[float, Field(ge=0.1, le=120)] = 60.0
    file_deadline_seconds: Annotated[float, Field(ge=1, le=86_400)] = 7_200.0
    """DICT does not say how long it makes a file; a run waits no longer."""
    bridge_requests_kept_days: Annotated[int, Field(ge=1, le=3_650)] = 400
    versions_kept_days: Annotated[int, Field(ge=1, le=3_650)] = 400
    """Both versions of a key that differed, sealed, so that `vsync explain` can show them."""


class ConsoleSettings(_Shared):
    """Of `dictctl vsync`; all of them may be left out."""

    participants: Annotated[Participants, Field(validate_default=False)] = frozenset()
    """As the processes have it: names the runs of a command for all."""
    schedule_hour: Annotated[int, Field(ge=0, le=23)] = 2
    """Of the day's run, in Sao Paulo."""
    schedule_jitter_seconds: Annotated[int, Field(ge=0, le=3_600)] = 600
    """The run begins up to so much later, so that not every participant asks DICT at once."""
