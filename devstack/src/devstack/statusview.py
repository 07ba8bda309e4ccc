"""The table of `./dev status`."""

from rich.console import Console
from rich.table import Table

from devstack.stack import Stack

MEGABYTE = 1 << 20
_COLOURS = {"running": "green", "stopped": "dim", "ended": "red", "external": "cyan"}


def print_status(console: Console, stack: Stack) -> None:
    """Name, state, pid, port and resident memory of each part, and their sum."""
    table = Table(box=None, pad_edge=False)
    for name in ("name", "state"):
        table.add_column(name)
    for name in ("pid", "port", "MB"):
        table.add_column(name, justify="right")
    rows = stack.status()
    for row in rows:
        colour = _COLOURS[row.state]
        table.add_row(
            row.name,
            f"[{colour}]{row.state}[/{colour}]",
            str(row.pid or ""),
            str(row.port or ""),
            f"{row.rss_bytes / MEGABYTE:.0f}" if row.rss_bytes else "",
        )
    total = sum(row.rss_bytes for row in rows)
    table.add_section()
    table.add_row("together", "", "", "", f"{total / MEGABYTE:.0f}")
    console.print(table)
