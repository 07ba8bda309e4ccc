"""What the environment may say, and what it is told when it is wrong."""

import pytest

from bridge_simulator.settings import Settings, SettingsInvalid, settings_from


def test_nothing_said() -> None:
    assert settings_from({}) == Settings("127.0.0.1", 0, ":memory:", 86_400, None, "INFO", {})


def test_everything_said() -> None:
    settings = settings_from(
        {
            "BRIDGE_SIMULATOR_ADDRESS": "[::1]:7000",
            "BRIDGE_SIMULATOR_STATE": "state.db",
            "DICT_CLAIM_DAY_SECONDS": "60",
            "BRIDGE_SIMULATOR_EVENTS_LAG_MS": "250",
            "BRIDGE_SIMULATOR_LOG": "warning",
            "BRIDGE_SIMULATOR_INDIRECT": "12345678:11111111,22222222;87654321:33333333",
            "BRIDGE_SIMULATOR_BUCKET_SPEED": "20",
        }
    )
    indirect = {
        "12345678": frozenset({"11111111", "22222222"}),
        "87654321": frozenset({"33333333"}),
    }
    assert settings == Settings("[::1]", 7000, "state.db", 60, 250, "WARNING", indirect, 20)


@pytest.mark.parametrize("address", ["0.0.0.0:7000", "[::]:7000", "10.1.2.3:0", "example.com:1"])
def test_beyond_loopback_only_when_meant(address: str) -> None:
    environment = {"BRIDGE_SIMULATOR_ADDRESS": address}
    with pytest.raises(SettingsInvalid, match="BRIDGE_SIMULATOR_BEYOND_LOOPBACK=yes"):
        settings_from(environment)
    meant = environment | {"BRIDGE_SIMULATOR_BEYOND_LOOPBACK": "yes"}
    assert f"{settings_from(meant).host}:{settings_from(meant).port}" == address


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BRIDGE_SIMULATOR_ADDRESS", "127.0.0.1"),
        ("BRIDGE_SIMULATOR_ADDRESS", "127.0.0.1:port"),
        ("BRIDGE_SIMULATOR_ADDRESS", "127.0.0.1:70000"),
        ("DICT_CLAIM_DAY_SECONDS", "0"),
        ("DICT_CLAIM_DAY_SECONDS", "86401"),
        ("DICT_CLAIM_DAY_SECONDS", "a day"),
        ("BRIDGE_SIMULATOR_EVENTS_LAG_MS", "-1"),
        ("BRIDGE_SIMULATOR_EVENTS_LAG_MS", "600001"),
        ("BRIDGE_SIMULATOR_EVENTS_LAG_MS", "soon"),
        ("BRIDGE_SIMULATOR_LOG", "LOUD"),
        ("BRIDGE_SIMULATOR_INDIRECT", "12345678"),
        ("BRIDGE_SIMULATOR_INDIRECT", "12345678:"),
        ("BRIDGE_SIMULATOR_BUCKET_SPEED", "0"),
        ("BRIDGE_SIMULATOR_BUCKET_SPEED", "1001"),
        ("BRIDGE_SIMULATOR_BUCKET_SPEED", "fast"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid, match=name):
        settings_from({name: value})
