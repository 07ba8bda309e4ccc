"""`dictctl vsync`."""

import typer

from vsync.entrypoints import (
    comparing,
    explaining,
    filters,
    importing,
    looking,
    reporting,
    running,
    scheduling,
)

app = typer.Typer(no_args_is_help=True, help="VSYNC: whether our keys are Bacen's, and why not.")
for _verbs in (running, looking, reporting, explaining, comparing, importing, filters):
    app.add_typer(_verbs.app)
app.add_typer(scheduling.app, name="schedule")
