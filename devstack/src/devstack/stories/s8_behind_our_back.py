"""Keys changed at DICT behind our back: VSYNC finds, repairs and proves; nothing is deleted."""

import csv
import io
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from devstack.cast import CLAIMER, MORE_KEYS, NAME, TAX_ID, Operator, other_side
from devstack.failures import StackFailure
from devstack.story import StoryContext, StoryFailed
from devstack.telling import expect

TITLE = "Keys changed behind our back: found, repaired, proven; one waits for a person"

RENAMED, REMOVED, ADDED = MORE_KEYS[5:8]
ACCOUNT = "0001112223"


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
        for held in ours:
            dict_.holds(held.key, CLAIMER, ACCOUNT, held.request_id)
        _import(operator, ours)
        _proven(context, operator, "Our base was imported, and DICT confirms it:")
        dict_.renames(RENAMED, "Maria Souza")
        dict_.removes(REMOVED)
        dict_.holds(ADDED, CLAIMER, ACCOUNT, str(uuid4()))
    context.console.print("One key was renamed at DICT, one removed, one added; nobody told us.")
    found = _proven(context, operator, "The next run:")
    for name in ("entries_created", "entries_updated", "entries_deleted"):
        expect(found[name] >= 1, f"{name} is {found[name]}: a change was not found")
    reviews = operator.reads("review", "list")
    waiting = [row for row in reviews if row["entry_id"] == ours[1].entry_id]
    expect(len(waiting) == 1, "the removed key does not wait for a person")
    _proven(context, operator, "And once more, with nothing to do:")


def _proven(context: StoryContext, operator: Operator, words: str) -> dict[str, int]:
    done = operator.types("vsync", "run", "--wait")
    if done.returncode != 0:
        raise StoryFailed(f"dictctl vsync run: {done.stdout}{done.stderr}")
    context.console.print(words)
    context.console.print(done.stdout, markup=False)
    return _latest(operator)


def _latest(operator: Operator) -> dict[str, int]:
    rows = operator.reads("audit", "search", "--type", "vsync.completed")
    whole = [row for row in rows if row["event_payload"]["key_type"] is None]
    newest = max(whole, key=lambda row: str(row["event_payload"]["ended_at"]))
    payload: dict[str, int] = newest["event_payload"]
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
