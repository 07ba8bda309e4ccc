"""Settings are read once, and a mistake names its variable."""

import pytest

from dict_common.kernel.errors import ConfigurationInvalid
from dict_common.settings.reading import read_settings
from dict_common.settings.shared import SharedSettings

GOOD = {
    "DICT_ENVIRONMENT": "development",
    "DICT_POSTGRES_URL": "postgresql://127.0.0.1/lbpay_connect",
    "DICT_PULSAR_URL": "pulsar://127.0.0.1",
    "DICT_PULSAR_ADMIN_URL": "http://127.0.0.1",
    "DICT_TEMPORAL_ADDRESS": "127.0.0.1:7233",
    "DICT_BRIDGE_ADDRESS": "127.0.0.1:1",
    "DICT_KEYS_DIR": "/keys",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A good environment."""
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DICT_CLAIM_DAY_SECONDS", raising=False)


def test_good_environment() -> None:
    settings = read_settings(SharedSettings)
    assert settings.claim_day_seconds == 86_400
    assert settings.pulsar_tenant == "dict"


@pytest.mark.parametrize("name", GOOD)
def test_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(ConfigurationInvalid, match=name):
        read_settings(SharedSettings)


def test_short_day_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICT_CLAIM_DAY_SECONDS", "8")
    assert read_settings(SharedSettings).claim_day_seconds == 8
    monkeypatch.setenv("DICT_ENVIRONMENT", "production")
    with pytest.raises(ConfigurationInvalid, match="DICT_CLAIM_DAY_SECONDS"):
        read_settings(SharedSettings)


@pytest.mark.parametrize("value", ["0", "86401", "a day"])
def test_day_of_no_length(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DICT_CLAIM_DAY_SECONDS", value)
    with pytest.raises(ConfigurationInvalid, match="DICT_CLAIM_DAY_SECONDS"):
        read_settings(SharedSettings)
