"""`dictctl audit partitions`: see the months, make them, bring strayed rows home."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated

import typer

from audit_sink.application.partitions import Hindrance, NotChanged, Partition
from audit_sink.application.rehome import NotProven, Rehome, Rehomed, TablesBusy
from audit_sink.bootstrap import console
from audit_sink.domain.audit_row import EARLIEST
from audit_sink.domain.months import horizon, month_of, months_between, months_from
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_record, show_rows
from dict_common.kernel.clock import SystemClock

app = typer.Typer(no_args_is_help=True, help="Months of the audit: see, make, mend.")

MONTHS_AHEAD_MAX = 24
MONTHS_MAX = 120
LIST = "dictctl audit partitions list"
DryRun = Annotated[bool, typer.Option("--dry-run", help="says what would be done, does nothing")]


@app.command("list")
def list_(output: Output = Format.TABLE) -> None:
    """Every month's table, the rows that stand in DEFAULT, and how far the months reach."""
    found, stray = asyncio.run(_look())
    reach = horizon(SystemClock().now().date(), _attached(found))
    if output is Format.JSON:
        show_record(
            {
                "partitions": [_shown(it) for it in found],
                "default_rows": {_name(month): rows for month, rows in stray.items()},
                "first_missing_month": _name(reach),
            },
            output,
        )
        return
    columns = ("month", "table", "rows_estimate", "bytes", "state")
    show_rows([_shown(it) for it in found], output, columns, "no month has a table of its own")
    say(f"the first month from now on without a table: {_name(reach)}")
    for month, rows in stray.items():
        say(f"in DEFAULT: {rows} rows of {_name(month)}")
    say("bring them home: dictctl audit partitions rehome" if stray else "DEFAULT is empty")


@app.command()
def ensure(
    months: Annotated[
        int, typer.Option(min=0, max=MONTHS_AHEAD_MAX, help="this month and so many after it")
    ] = 3,
    since: Annotated[str, typer.Option("--from", metavar="YYYY-MM", help="or: from here")] = "",
    until: Annotated[str, typer.Option("--to", metavar="YYYY-MM", help="to here, included")] = "",
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Makes the tables of months where they are missing; each by itself."""
    wanted = _wanted(months, since, until)
    rows = asyncio.run(_ensure(wanted, dry_run=dry_run))
    show_rows(rows, output, ("month", "state", "detail"), "no months")
    missing = [row for row in rows if row["state"] in set(Hindrance)]
    if missing:
        raise _not_made(missing)


@app.command()
def rehome(
    month: Annotated[
        list[str] | None,
        typer.Option(metavar="YYYY-MM", help="only this month, may be repeated; default: all"),
    ] = None,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Brings rows home from DEFAULT: copied, proven by their roots, swapped in; nothing deleted.

    One transaction: a kill at any step changes nothing. Sinks and readers wait for the last part.
    """
    chosen = tuple(sorted({_month(text, "--month") for text in month or ()}))
    found, stray = asyncio.run(_look())
    if not stray and not chosen:
        show_rows([], output, ("month", "rows", "state"), "DEFAULT is empty: nothing to do")
        return
    wanted = _homeless(chosen, stray, found)
    if dry_run:
        show_rows(_planned(stray, wanted), output, ("month", "rows", "state"), "")
        return
    done = asyncio.run(_rehome(wanted))
    show_rows(_done(done), output, ("month", "rows", "state"), "")
    say(f"{sum(done.home.values())} rows are home; {done.parts} parts gave their roots")


async def _look() -> tuple[Sequence[Partition], Mapping[date, int]]:
    async with console.open_partitions() as partitions:
        return await partitions.partitions(), await partitions.default_rows()


async def _ensure(wanted: Sequence[date], *, dry_run: bool) -> list[dict[str, object]]:
    async with console.open_partitions() as partitions:
        there = {it.month: it.attached for it in await partitions.partitions()}
        stray = await partitions.default_rows()
        rows: list[dict[str, object]] = []
        for month in wanted:
            state, detail = "there", ""
            if month in there and not there[month]:
                state, detail = Hindrance.DETACHED, "was taken out of the table"
            elif month in stray:
                state, detail = Hindrance.DEFAULT_HOLDS_ROWS, f"{stray[month]} rows"
            elif month not in there and dry_run:
                state = "would be made"
            elif month not in there:
                try:
                    state = "made" if await partitions.ensure(month) else "there"
                except NotChanged as problem:
                    state, detail = problem.hindrance, problem.detail
            rows.append({"month": _name(month), "state": str(state), "detail": detail})
        return rows


async def _rehome(wanted: Sequence[date]) -> Rehomed:
    def progress(rows: int) -> None:
        say(f"{rows} rows copied and proven")

    try:
        async with console.open_homecoming() as homecoming:
            return await Rehome(homecoming, progress)(wanted)
    except NotProven as error:
        raise CommandFailed(Exit.FAILED, f"nothing was moved: {error.detail}", LIST) from None
    except TablesBusy as error:
        raise CommandFailed(Exit.CONFLICT, error.detail, LIST) from None
    except NotChanged as problem:
        raise CommandFailed(
            Exit.CONFLICT, f"nothing was moved: {problem.hindrance}: {problem.detail}", LIST
        ) from None


def _homeless(
    chosen: Sequence[date], stray: Mapping[date, int], found: Sequence[Partition]
) -> tuple[date, ...]:
    """The months to bring home. Raises CommandFailed where a chosen one cannot be."""
    detached = {it.month for it in found if not it.attached}
    for month in chosen:
        if month not in stray:
            raise CommandFailed(Exit.NOT_FOUND, f"DEFAULT holds no rows of {_name(month)}", LIST)
        if month in detached:
            raise CommandFailed(
                Exit.CONFLICT,
                f"{_name(month)} was taken out of the table: its late rows stay in DEFAULT",
                LIST,
            )
    wanted = tuple(chosen) or tuple(it for it in sorted(stray) if it not in detached)
    if not wanted:
        raise CommandFailed(
            Exit.CONFLICT, "DEFAULT holds only rows of months that were taken out", LIST
        )
    if len(wanted) > MONTHS_MAX:
        raise CommandFailed(
            Exit.USAGE,
            f"rows of {len(wanted)} months, {MONTHS_MAX} at most at once: choose with --month",
            LIST,
        )
    return wanted


def _planned(stray: Mapping[date, int], wanted: Sequence[date]) -> list[dict[str, object]]:
    return [
        {
            "month": _name(month),
            "rows": rows,
            "state": "would come home" if month in wanted else "would stay in DEFAULT",
        }
        for month, rows in stray.items()
    ]


def _done(done: Rehomed) -> list[dict[str, object]]:
    return [
        {"month": _name(month), "rows": rows, "state": state}
        for state, counted in (("home", done.home), ("in DEFAULT", done.left))
        for month, rows in counted.items()
    ]


def _not_made(missing: Sequence[Mapping[str, object]]) -> CommandFailed:
    names = ", ".join(str(row["month"]) for row in missing)
    in_default = any(row["state"] == Hindrance.DEFAULT_HOLDS_ROWS for row in missing)
    return CommandFailed(
        Exit.CONFLICT,
        f"not made: {names}",
        "dictctl audit partitions rehome --dry-run" if in_default else LIST,
    )


def _wanted(months: int, since: str, until: str) -> tuple[date, ...]:
    if not since and not until:
        return months_from(SystemClock().now().date(), months + 1)
    if not since or not until:
        raise CommandFailed(Exit.USAGE, "--from and --to go together, both YYYY-MM", LIST)
    wanted = months_between(_month(since, "--from"), _month(until, "--to"))
    if not wanted:
        raise CommandFailed(Exit.USAGE, f"--from {since} is after --to {until}", LIST)
    if len(wanted) > MONTHS_MAX:
        raise CommandFailed(Exit.USAGE, f"{len(wanted)} months, {MONTHS_MAX} at most at once", LIST)
    if wanted[-1] > months_from(SystemClock().now().date(), MONTHS_MAX)[-1]:
        raise CommandFailed(Exit.USAGE, f"--to {until} is more than {MONTHS_MAX} months off", LIST)
    if wanted[0] < EARLIEST.date():
        raise CommandFailed(Exit.USAGE, "no event is stored from before 1970", LIST)
    return wanted


def _month(text: str, option: str) -> date:
    try:
        return month_of(datetime.strptime(text, "%Y-%m").date())  # noqa: DTZ007
    except ValueError:
        raise CommandFailed(
            Exit.USAGE, f"{option} must be a month such as 2026-01, not {text!r}", LIST
        ) from None


def _attached(found: Sequence[Partition]) -> frozenset[date]:
    return frozenset(it.month for it in found if it.attached)


def _shown(partition: Partition) -> dict[str, object]:
    return {
        "month": _name(partition.month),
        "table": partition.table,
        "rows_estimate": partition.rows_estimate,
        "bytes": partition.bytes,
        "state": "attached" if partition.attached else "detached",
    }


def _name(month: date) -> str:
    return month.isoformat()[:7]
