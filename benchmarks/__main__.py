"""`python -m benchmarks NAME [option ...]`; alone it lists the benchmarks."""

import argparse
import importlib
import sys

from benchmarks.figures import shown

BENCHMARKS = {
    "audit-backlog": "two million events at the broker, drained; the sink's memory meanwhile",
    "audit-end-to-end": "the sink from the broker to the acknowledgement, against COPY; bad events",
    "audit-outage": "PostgreSQL killed under the sink, and how fast it is as fast as before",
    "audit-poison": "bad messages among a million: their letters, their neighbours, their redrive",
    "audit-reconcile": "dictctl audit reconcile over a long time, and its memory meanwhile",
    "audit-search": "each kind of search in an audit of a million rows and more, and its plan",
    "claims-simulation": "random schedules of whole claims, judged by the rules, without a server",
    "claims-transition": "RecordTransition's one statement against BEGIN, two statements, COMMIT",
    "claims-throughput": "commands a second, and command published to Bridge call",
    "claims-relay": "the relay's rows a second, against the broker's own limits",
    "audit-write": "the sink's way into its table, against COPY and what others do",
    "claims-waiting": "memory of claims that wait, and deadlines that come in one minute",
    "vsync-sets": "VSyncs, differences and CIDs of a set of millions, against their limits",
    "vsync-run": "whole runs after changes behind our back, beside what DICT's buckets take",
    "vsync-import": "dictctl vsync import: a new base, the same again, a dry run",
}


def main(arguments: list[str]) -> int:
    """0: run, every target met; 1: a target missed or a schedule wrong; 2: unusable arguments."""
    if not arguments or arguments[0] not in BENCHMARKS:
        for name, text in BENCHMARKS.items():
            print(f"{name:<20} {text}")  # noqa: T201
        return 0 if not arguments else 2
    name, *rest = arguments
    module = importlib.import_module(f"benchmarks.{name.replace('-', '_')}")
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks {name}")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    module.arguments(parser)
    given = parser.parse_args(rest)
    report = module.measure(given)
    print(shown(report, given.output))  # noqa: T201
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
