"""`dictctl audit`: what the audit holds."""

import typer

from audit_sink.entrypoints import partitions, reconciling, searching

app = typer.Typer(
    no_args_is_help=True,
    help="Audit: search, follow, export, prove; keep its months. Personal data stays sealed.",
)

app.command()(searching.search)
app.command()(searching.tail)
app.command()(searching.export)
app.command()(reconciling.reconcile)
app.add_typer(partitions.app, name="partitions")
