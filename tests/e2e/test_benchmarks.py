"""Every benchmark runs and fills its figures: a small size, on the tests' servers."""

import argparse
import importlib
import math

import pytest

from benchmarks import ground
from benchmarks.__main__ import BENCHMARKS
from devstack.stack import Stack

SMALL = {
    "audit-backlog": ["--events", "3000"],
    "audit-end-to-end": ["--events", "2000", "--rounds", "1"],
    "audit-outage": ["--events", "3000", "--away-seconds", "0.5", "--over-seconds", "0.2"],
    "audit-poison": ["--events", "1400", "--bad", "28", "--rate", "500", "--turns", "2"],
    "audit-reconcile": ["--events", "3000"],
    "audit-search": ["--rows", "2000", "--rounds", "1"],
    "audit-write": ["--rows", "2000", "--rounds", "1"],
    "claims-simulation": ["--schedules", "4"],
    "claims-transition": ["--rounds", "1", "--transitions", "5"],
    "claims-throughput": ["--claims", "2", "--rate", "2", "--seconds", "2"],
    "claims-relay": ["--rounds", "1", "--rows", "20"],
    "claims-waiting": [
        *("--waiting", "2", "--ending", "2", "--over-seconds", "1"),
    ],
    "vsync-import": ["--rows", "300"],
    "vsync-run": ["--keys", "400", "--differences", "0,10", "--speed", "200"],
    "vsync-sets": ["--keys", "2000", "--differences", "5", "--rounds", "1", "--cids", "100"],
}


def test_each_has_a_small_size() -> None:
    assert SMALL.keys() == BENCHMARKS.keys()


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmark_runs(stack: Stack, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground, "RUN_FOLDER", str(stack.run.root))
    monkeypatch.setenv(
        "PGPASSFILE", stack.environment()["PGPASSFILE"]
    )  # the benchmark sets its own
    module = importlib.import_module(f"benchmarks.{name.replace('-', '_')}")
    parser = argparse.ArgumentParser()
    module.arguments(parser)
    report = module.measure(parser.parse_args(SMALL[name]))
    assert report.figures
    assert all(math.isfinite(figure.value) for figure in report.figures)
