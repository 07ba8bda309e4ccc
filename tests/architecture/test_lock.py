"""What is installed is what was looked at: every pin has a hash, none names a place."""

import re
from collections.abc import Iterator

import pytest

from tests.architecture.tree import REPOSITORY

LOCKS = ("requirements.lock", "devstack/src/devstack/fetch/binaries.lock")
GO_SUM = "devstack/src/devstack/temporal_source/go.sum"


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_is_whole(name: str) -> None:
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    assert len(re.findall(r"^[a-z0-9]", text, flags=re.MULTILINE)) > 2
    findings = list(faults(text))
    assert not findings, f"\n{name}\n" + "\n".join([*findings, "Make it anew: ./dev lock"])


def test_sources_of_temporal_are_pinned_by_hash() -> None:
    lines = (REPOSITORY / GO_SUM).read_text(encoding="utf-8").splitlines()
    assert len(lines) > 100
    assert [line for line in lines if not re.fullmatch(r"\S+ \S+ h1:[\w+/]+=", line)] == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("rich==14.0.0\nredis==8.0 \\\n    --hash=sha256:00\n", "rich==14.0.0: no hash"),
        ("rich @ file:///srv/rich.whl\n", "names a place"),
        ("--index-url https://example.org\n", "names a place"),
        ("-e ./libs/common\n", "no pin"),
        ("rich>=14 \\\n    --hash=sha256:00\n", "no pin"),
    ],
)
def test_a_fault_is_found(text: str, fault: str) -> None:
    assert any(fault in found for found in faults(text))


def faults(text: str) -> Iterator[str]:
    """What is wrong with a lock file, one line each."""
    for block in re.split(r"\n(?=[^\s#])", text):
        lines = [line for line in block.splitlines() if not line.lstrip().startswith("#")]
        entry = "\n".join(lines).strip()
        if not entry:
            continue
        first = entry.splitlines()[0].removesuffix("\\").strip()
        if re.search(r"://|^--(?!hash)|file:", entry):
            yield f"{first}: names a place"
        if not re.match(r"^[A-Za-z0-9._\[\],-]+==[^\s;]+(\s*;.*)?$", first):
            yield f"{first}: no pin"
        if not re.search(r"--hash=sha256:[0-9a-f]+", entry):
            yield f"{first}: no hash"
