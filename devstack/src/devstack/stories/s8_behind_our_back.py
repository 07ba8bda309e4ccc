"""Keys changed at DICT behind our back: VSYNC finds, repairs and proves; nothing is deleted."""

import csv
import io
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from devstack.cast import CLAIMER, MORE_KEYS, NAME, TAX_ID, Operator, OtherSide, other_side
from devstack.failures import StackFailure
from devstack.story import StoryContext, StoryFailed
from devstack.telling import expect

TITLE = "Keys changed behind our back: found, repaired, proven; one waits for a person"

RENAMED, REMOVED, ADDED, HIDDEN = MORE_KEYS[5:9]
ACCOUNT = "0001112223"
NOT_PROVEN = 1
"""Exit code of a run that is PARTIAL or FAILED."""


@dataclass(frozen=True)
class Held:
    """A key of ours, registered under a RequestId that nobody has used."""

    key: str
    entry_id: str
    request_id: str


def run(context: StoryContext) -> None:
    """Tells it."""
    operator = Operator(context.stack.environment())
    ours = [Held(key, str(uuid4()), str(uuid4())) for key in (RENAMED, REMOVED)]
    with other_side(context.stack.environment()) as dict_:
        dict_.takes_away(ADDED, HIDDEN)
        for held in ours:
            dict_.holds(held.key, CLAIMER, ACCOUNT, held.request_id)
        _import(operator, ours)
        _run(context, operator, "Our base was imported, and DICT confirms it:")
        try:
            _differ_and_repair(context, operator, dict_)
            _away(context, operator, dict_)
        finally:
            dict_.hides("")
            dict_.refuses_all(False)
        rest = _run(context, operator, "DICT is back. The next run finds what was left over:")
    expect(rest["entries_created"] >= 1, "the key that DICT had not shown was not created")
    waiting = [
        row for row in operator.reads("review", "list") if row["entry_id"] == ours[1].entry_id
    ]
    expect(len(waiting) == 1, "the removed key does not wait for a person")
    context.console.print("The key that DICT has no more waits for a person; nothing is deleted.")
    _run(context, operator, "And once more, with nothing to do:")


def _differ_and_repair(context: StoryContext, operator: Operator, dict_: OtherSide) -> None:
    dict_.renames(RENAMED, "Maria Souza")
    dict_.removes(REMOVED)
    dict_.holds(ADDED, CLAIMER, ACCOUNT, str(uuid4()))
    dict_.hides(dict_.holds(HIDDEN, CLAIMER, ACCOUNT, str(uuid4())))
    context.console.print(
        "One key was renamed at DICT, one removed, two added; nobody told us. Of the second new "
        "one DICT answers Forbidden when it is asked whose it is, so the removed one may be that, "
        "changed: it is put before nobody yet."
    )
    found = _run(context, operator, "So the next run is PARTIAL: the rest is repaired.", NOT_PROVEN)
    expect(found["result"] == "PARTIAL", f"the run is {found['result']}")
    for name in ("entries_created", "entries_updated"):
        expect(found[name] >= 1, f"{name} is {found[name]}: a change was not found")
    report = operator.reads("vsync", "report", found["run_id"])
    failed = {it["reason_code"] for it in report["discrepancies"] if it["state"] == "FAILED"}
    expect(failed == {"Forbidden", "unread-beside"}, f"the report says {failed} of what failed")
    kinds = {it["type"] for it in report["discrepancies"]}
    expect(len(kinds) == 3, f"the report knows {kinds} alone")
    context.console.print("What became of each key, and which failed:")
    done = operator.types("vsync", "report", found["run_id"])
    context.console.print(done.stdout, markup=False)


def _away(context: StoryContext, operator: Operator, dict_: OtherSide) -> None:
    dict_.refuses_all(True)
    done = operator.types("vsync", "run", "--wait")
    expect(done.returncode == NOT_PROVEN, "a run against a DICT that refuses all is not FAILED")
    expect("FAILED (Forbidden)" in done.stderr, f"the run says: {done.stderr}")
    dict_.refuses_all(False)
    context.console.print("DICT refuses everything: a run is FAILED, and says why.")
    context.console.print(done.stdout, markup=False)


def _run(context: StoryContext, operator: Operator, words: str, code: int = 0) -> dict[str, Any]:
    done = operator.types("vsync", "run", "--wait")
    if done.returncode != code:
        raise StoryFailed(f"dictctl vsync run: {done.stdout}{done.stderr}")
    context.console.print(words)
    context.console.print(done.stdout, markup=False)
    return _latest(operator)


def _latest(operator: Operator) -> dict[str, Any]:
    rows = operator.reads("audit", "search", "--type", "vsync.completed")
    whole = [row for row in rows if row["event_payload"]["key_type"] is None]
    newest = max(whole, key=lambda row: str(row["event_payload"]["ended_at"]))
    payload: dict[str, Any] = newest["event_payload"]
    return payload


def _import(operator: Operator, ours: list[Held]) -> None:
    text = io.StringIO()
    rows = [
        {
            "entry_id": held.entry_id,
            "participant": CLAIMER,
            "key_type": "PHONE",
            "key": held.key,
            "tax_id": TAX_ID,
            "name": NAME,
            "trade_name": "",
            "branch": "0001",
            "account_number": ACCOUNT,
            "account_type": "CACC",
            "request_id": held.request_id,
        }
        for held in ours
    ]
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    as_of = datetime.now(UTC).isoformat()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "base.csv")
        path.write_text(text.getvalue(), encoding="utf-8")
        done = operator.types("vsync", "import", str(path), "--as-of", as_of, "--why", "demo")
    if done.returncode != 0:
        raise StackFailure(f"dictctl vsync import: {done.stdout}{done.stderr}")
