"""Nothing personal gets into a log line, and what operators need does."""

import json
import logging
import subprocess
import sys

import pytest

from dict_common.telemetry.logs import REDACTED, redact, redact_text

PROGRAM = """
import logging
from dict_common.telemetry.logs import configure_logs, logger
configure_logs("claim-orchestrator-test", "INFO")
log = logger("x")
log.info("claim-opened", claim_id="0e5c6f0e-64fe-4adb-869f-08021ffdd852", key="+5561988880000")
logging.getLogger("foreign").warning("owner 11122233300 joao@example.com")
try:
    raise ValueError("key +5561988880000")
except ValueError:
    log.exception("failed")
"""


@pytest.mark.parametrize(
    "text",
    [
        "+5561988880000",
        "key=+5561988880000;",
        "claim-11122233300",
        "11122233300",
        "111.222.333-00",
        "12345678901234",
        "12.345.678/0001-95",
        "joao.silva@example.com",
    ],
)
def test_personal_shapes_are_taken_out(text: str) -> None:
    cleaned = redact_text(f"before {text} after")
    assert REDACTED in cleaned
    assert cleaned.startswith("before ")
    assert not any(part in cleaned for part in ("988880000", "122233300", "joao", "345.678"))


@pytest.mark.parametrize(
    "text",
    [
        "0e5c6f0e-64fe-4adb-869f-08021ffdd852",
        "2026-11-25T15:02:42.735262Z",
        "12345678",
        "claim-0e5c6f0e-64fe-4adb-869f-08021ffdd852:CreateClaim:1",
        "127.0.0.1:27354",
        "173:0:3:-1",
    ],
)
def test_ids_times_and_participants_stay(text: str) -> None:
    assert redact_text(text) == text


def test_named_fields_go_whatever_they_hold() -> None:
    event = redact(None, "info", {"key": "x", "nested": {"name": "x", "n": 1}, "body": b"x"})
    assert event == {"key": REDACTED, "nested": {"name": REDACTED, "n": 1}, "body": REDACTED}


def test_bytes_numbers_and_lists_do_not_slip_through() -> None:
    event = redact(None, "info", {"it": b"\x00", "list": ["+5561988880000"], "n": 11122233300})
    assert event == {"it": REDACTED, "list": [REDACTED], "n": REDACTED}
    assert redact(None, "info", {"ms": 1795618810301}) == {"ms": 1795618810301}


def test_lines_of_ours_and_of_libraries_are_json_and_clean() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["level"] for line in lines] == ["info", "warning", "error"]
    assert lines[0]["claim_id"] == "0e5c6f0e-64fe-4adb-869f-08021ffdd852"
    assert {line["service"] for line in lines} == {"claim-orchestrator-test"}
    for personal in ("988880000", "11122233300", "joao@"):
        assert personal not in done.stderr
    assert logging.getLogger("foreign") is not None
