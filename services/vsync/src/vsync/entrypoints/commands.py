"""`dictctl vsync`."""

import typer

from vsync.entrypoints import filters, importing

app = typer.Typer(no_args_is_help=True, help="VSYNC: CIDs, and whether our keys are Bacen's.")
app.add_typer(filters.app)
app.add_typer(importing.app)
