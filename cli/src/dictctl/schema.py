"""`dictctl schema`: the Avro contracts against themselves and against the broker."""

import asyncio
import json

import fastavro
import typer

from dict_common.console.environment import shared
from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, show_rows
from dict_schemas import avro
from dict_schemas.topics import topics
from dictctl.pulsar_admin import PulsarAdmin

app = typer.Typer(no_args_is_help=True, help="Schemas: check the files, ask the broker.")


@app.command()
def check(output: Output = Format.TABLE) -> None:
    """Parses every schema of this release; exit 1 if one is no Avro."""
    rows = [
        {"schema": name, "version": version, "problem": _problem(name, version)}
        for name in avro.names()
        for version in avro.versions(name)
    ]
    show_rows(rows, output, ("schema", "version", "problem"), "no schemas")
    if any(row["problem"] for row in rows):
        raise CommandFailed(Exit.FAILED, "a schema is no valid Avro", "see the table above")


@app.command()
def compat(output: Output = Format.TABLE) -> None:
    """Asks the broker whether it would take each schema; exit 5 if it would refuse one."""
    rows = asyncio.run(_compatibility())
    show_rows(rows, output, ("topic", "version", "compatible", "strategy"), "no topics")
    refused = [str(row["topic"]) for row in rows if not row["compatible"]]
    if refused:
        raise CommandFailed(
            Exit.CONFLICT,
            f"the broker would refuse {', '.join(refused)}: a breaking change needs a new topic",
            "dictctl topics diff",
        )


def _problem(name: str, version: int) -> str | None:
    try:
        fastavro.parse_schema(avro.definition(name, version))
    except (fastavro.schema.SchemaParseException, ValueError) as error:
        return str(error)
    return None


async def _compatibility() -> list[dict[str, object]]:
    settings = shared()
    async with PulsarAdmin(settings.pulsar_admin_url) as admin:
        rows = []
        for topic in topics():
            if topic.schema is None or topic.version is None:
                continue
            name = f"{settings.pulsar_tenant}/{topic.namespace}/{topic.name}"
            body = {
                "type": "AVRO",
                "schema": json.dumps(avro.definition(topic.schema, topic.version)),
                "properties": {},
            }
            answer = await admin.send(
                "POST", f"/schemas/{name}/compatibility", body, f"compare the schema of {name}"
            )
            found = answer.json()
            rows.append(
                {
                    "topic": f"{topic.namespace}/{topic.name}",
                    "version": topic.version,
                    "compatible": bool(found["compatibility"]),
                    "strategy": found["schemaCompatibilityStrategy"],
                }
            )
        return rows
