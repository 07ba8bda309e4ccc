"""What stands on a terminal: nothing that somebody else wrote steers it."""

import json

import pytest

from dict_common.console.output import Format, printable, say, show_record, show_rows

EVIL = "a\x1b]0;owned\x07b\x9b2Jc\r\nd\u202ee"


def test_text_that_steers_a_terminal_is_replaced_letter_by_letter() -> None:
    assert printable("João +55 – ok") == "João +55 – ok"
    assert printable(EVIL) == "a�]0;owned�b�2Jc��d�e"


@pytest.mark.parametrize("output", Format)
def test_rows_and_records_do_not_steer(output: Format, capsys: pytest.CaptureFixture[str]) -> None:
    show_rows([{"reason": EVIL}], output, ("reason",), "none")
    show_record({"reason": EVIL, "of": {"deep": [EVIL]}}, output)
    told = capsys.readouterr().out
    assert not set(told) & set("\x1b\x07\x9b\r\u202e")
    assert "owned" in told


def test_json_keeps_what_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    show_record({"reason": EVIL}, Format.JSON)
    assert json.loads(capsys.readouterr().out) == {"reason": EVIL}


def test_lines_that_we_say_stay_lines(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"first\n{EVIL}")
    told = capsys.readouterr().err
    assert told.splitlines() == ["first", "a�]0;owned�b�2Jc�", "d�e"]
