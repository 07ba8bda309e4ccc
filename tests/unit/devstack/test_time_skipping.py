"""The time-skipping server is what was looked at: pinned, checked, loaded anew where wrong."""

import hashlib
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from devstack.failures import StackFailure
from devstack.fetch.cache import Cache
from devstack.fetch.java_program import COMPILER, Jar, copying, get_jars, pinned_jars
from devstack.fetch.maven import Maven
from devstack.fetch.time_skipping import PROGRAM, SERVER, server_command

LOCK = PROGRAM.lock

# Notes what it was asked for, and puts a jar there that holds its own file name.
FAKE_MAVEN = """#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" = --file ] && pom="$2"; shift; done
cat "$pom" >> "$(dirname "$pom")/asked"
for name in $(grep -o '<artifactId>[^<]*</artifactId><version>[^<]*' "$pom" | tail -n +3 \\
    | sed 's/<artifactId>//; s/<.artifactId><version>/-/'); do
  printf %s "$name.jar" > "$(dirname "$pom")/lib/$name.jar"
done
"""


def jar(name: str, content: str | None = None) -> Jar:
    """One that FAKE_MAVEN gets right, unless `content` is another."""
    text = content or f"{name}-1.0.jar"
    return Jar("org.example", name, "1.0", hashlib.sha256(text.encode()).hexdigest())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """One whose Maven is a script."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "mvn").write_text(FAKE_MAVEN, encoding="utf-8")
    (programs / "mvn").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return Cache(tmp_path / "cache", threading.Event())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "part"
    made.mkdir()
    return made


def maven_of(cache: Cache) -> Maven:
    """The script."""
    return Maven(cache, cache.root, cache.runner("jars", "Fetching"))


def test_every_jar_is_pinned_once() -> None:
    lock = LOCK.read_text(encoding="utf-8")
    jars = pinned_jars(lock)
    assert {SERVER, COMPILER} <= {each.name for each in jars}
    assert len({each.file for each in jars}) == len(jars) > 30
    lines = [line for line in lock.splitlines() if not line.startswith("#")]
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    "line", ["org.example:a:1.0", "org.example:a:1.0 sha256:00", "a:1.0 sha256:" + "0" * 64]
)
def test_a_line_without_a_pin_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="no pin: "):
        pinned_jars(f"# heading\n{line}\n")


def test_what_it_is_made_of_is_in_its_name() -> None:
    version = next(
        each.version for each in pinned_jars(LOCK.read_text("utf-8")) if each.name == SERVER
    )
    assert PROGRAM.folder_name.startswith(f"{SERVER}-{version}-")


def test_maven_is_asked_for_the_jars_and_nothing_else(tmp_path: Path) -> None:
    pom = ET.fromstring(copying([jar("a"), jar("b")], tmp_path / "lib"))
    items = [
        tuple(child.text for child in item) for item in pom.findall(".//artifactItems/artifactItem")
    ]
    assert items == [("org.example", "a", "1.0"), ("org.example", "b", "1.0")]
    assert pom.findall(".//dependency") == []
    assert pom.findtext(".//outputDirectory") == str(tmp_path / "lib")


def test_what_is_there_and_right_is_not_loaded_again(cache: Cache, folder: Path) -> None:
    (folder / "lib").mkdir()
    (folder / "lib" / "a-1.0.jar").write_text("a-1.0.jar", encoding="utf-8")
    (folder / "lib" / "b-1.0.jar").write_text("half", encoding="utf-8")
    get_jars(maven_of(cache), folder, (jar("a"), jar("b"), jar("c")))
    asked = (folder / "asked").read_text(encoding="utf-8")
    assert [name for name in "abc" if f"<artifactId>{name}</artifactId>" in asked] == ["b", "c"]
    for name in ("a", "b", "c"):
        path = folder / "lib" / f"{name}-1.0.jar"
        assert path.read_text(encoding="utf-8") == path.name


def test_a_jar_that_is_not_the_one_we_know_is_refused(cache: Cache, folder: Path) -> None:
    with pytest.raises(StackFailure, match=r"^b-1\.0\.jar: not what we know"):
        get_jars(maven_of(cache), folder, (jar("a"), jar("b", "what was looked at")))
    assert (folder / "asked").read_text(encoding="utf-8").count("<artifactId>b</artifactId>") == 3
    assert [path.name for path in (folder / "lib").iterdir()] == ["a-1.0.jar"]


def test_it_is_started_by_our_own_main(tmp_path: Path) -> None:
    command = server_command(tmp_path / "home", tmp_path / "java")
    assert command[0] == str(tmp_path / "java" / "bin" / "java")
    assert command[-1] == "LoopbackTestServer"
