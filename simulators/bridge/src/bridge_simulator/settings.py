"""What the environment says."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge_simulator.periods import DAY_SECONDS
from bridge_simulator.store import IN_MEMORY

EVENTS_LAG_MS_MAX = 600_000
BUCKET_SPEED_MAX = 1_000
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsInvalid(ValueError):
    """A variable of the environment is wrong; the message says which and what it should be."""


@dataclass(frozen=True)
class Settings:
    """`port` 0 = any free one; `state` a file or `:memory:`; `indirect` direct → its indirect.

    `events_lag_ms` None = Bacen's, shortened as the day is.
    """

    host: str = "127.0.0.1"
    port: int = 0
    state: str = IN_MEMORY
    day_seconds: int = DAY_SECONDS
    events_lag_ms: int | None = None
    log_level: str = "INFO"
    indirect: Mapping[str, frozenset[str]] = field(default_factory=dict)
    bucket_speed: int = 1


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Raises SettingsInvalid, also for an address beyond loopback that was not asked for."""
    address = environment.get("BRIDGE_SIMULATOR_ADDRESS", "127.0.0.1:0")
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise SettingsInvalid(f"BRIDGE_SIMULATOR_ADDRESS is {address!r}: write HOST:PORT")
    anywhere = environment.get("BRIDGE_SIMULATOR_BEYOND_LOOPBACK") == "yes"
    if not anywhere and not _is_loopback(host):
        raise SettingsInvalid(
            f"BRIDGE_SIMULATOR_ADDRESS is {address!r}: the simulator asks nobody who he is, so it "
            "listens on loopback only. Set BRIDGE_SIMULATOR_BEYOND_LOOPBACK=yes if you mean it."
        )
    level = environment.get("BRIDGE_SIMULATOR_LOG", "INFO").upper()
    if level not in LOG_LEVELS:
        raise SettingsInvalid(f"BRIDGE_SIMULATOR_LOG is {level!r}: one of {', '.join(LOG_LEVELS)}")
    day = environment.get("DICT_CLAIM_DAY_SECONDS", str(DAY_SECONDS))
    if not day.isdecimal() or not 1 <= int(day) <= DAY_SECONDS:
        raise SettingsInvalid(
            f"DICT_CLAIM_DAY_SECONDS is {day!r}: a number from 1 to {DAY_SECONDS}"
        )
    lag = environment.get("BRIDGE_SIMULATOR_EVENTS_LAG_MS", "")
    if lag and (not lag.isdecimal() or int(lag) > EVENTS_LAG_MS_MAX):
        raise SettingsInvalid(
            f"BRIDGE_SIMULATOR_EVENTS_LAG_MS is {lag!r}: a number from 0 to {EVENTS_LAG_MS_MAX}, "
            "or leave it out for Bacen's"
        )
    speed = environment.get("BRIDGE_SIMULATOR_BUCKET_SPEED", "1")
    if not speed.isdecimal() or not 1 <= int(speed) <= BUCKET_SPEED_MAX:
        raise SettingsInvalid(
            f"BRIDGE_SIMULATOR_BUCKET_SPEED is {speed!r}: a number from 1 to {BUCKET_SPEED_MAX}"
        )
    return Settings(
        host=host,
        port=int(port),
        state=environment.get("BRIDGE_SIMULATOR_STATE") or IN_MEMORY,
        day_seconds=int(day),
        events_lag_ms=int(lag) if lag else None,
        log_level=level,
        indirect=_indirect(environment.get("BRIDGE_SIMULATOR_INDIRECT", "")),
        bucket_speed=int(speed),
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _indirect(text: str) -> dict[str, frozenset[str]]:
    groups: dict[str, frozenset[str]] = {}
    for group in filter(None, text.split(";")):
        direct, colon, others = group.partition(":")
        if not colon or not direct or not others:
            raise SettingsInvalid(
                f"BRIDGE_SIMULATOR_INDIRECT has {group!r}: write DIRECT:INDIRECT,INDIRECT;…"
            )
        groups[direct.strip()] = frozenset(other.strip() for other in others.split(","))
    return groups
