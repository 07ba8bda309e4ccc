"""What a benchmark came to: figures with their target, as a table or as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """One number. `target`: what it should be, in words; `met`: None where there is no target."""

    name: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None


@dataclass(frozen=True)
class Report:
    """One run of one benchmark; `notes`: what must be known to read it."""

    benchmark: str
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """False when a target was missed."""
        return all(figure.met is not False for figure in self.figures)


def at_least(name: str, value: float, unit: str, floor: float) -> Figure:
    """A figure with a floor."""
    return Figure(name, value, unit, f">= {floor:g}", value >= floor)


def at_most(name: str, value: float, unit: str, limit: float) -> Figure:
    """A figure with a limit."""
    return Figure(name, value, unit, f"<= {limit:g}", value <= limit)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent do not exceed. Raises ValueError for none."""
    if not values:
        raise ValueError("no values: nothing was measured")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(percent / 100 * len(ordered) + 0.5) - 1))]


def middle(values: Sequence[float]) -> float:
    """The median. Raises StatisticsError for none."""
    return float(median(values))


def shown(report: Report, output: str) -> str:
    """As `table` or as `json`."""
    if output == "json":
        return json.dumps(asdict(report) | {"good": report.good}, indent=2)
    rows = [("figure", "value", "unit", "target", "met")]
    rows += [
        (it.name, f"{it.value:,.3f}".rstrip("0").rstrip("."), it.unit, it.target, _word(it.met))
        for it in report.figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = ["  ".join(cell.ljust(widths[n]) for n, cell in enumerate(row)) for row in rows]
    return "\n".join([report.benchmark, *(line.rstrip() for line in lines), *report.notes])


def _word(met: bool | None) -> str:
    return "" if met is None else ("yes" if met else "NO")
