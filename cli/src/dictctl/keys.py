"""`dictctl keys`: which keys a folder of keysets holds, and how one is rotated.

A rotation is two runs with a restart of every process between them: a key that is promoted before
everybody has it makes ciphertexts that some cannot open. No secret is ever printed.
"""

from pathlib import Path
from typing import Annotated

import typer

from dict_common.console.failures import CommandFailed, Exit
from dict_common.console.output import Format, Output, say, show_record, show_rows
from dict_common.secrecy.keysets import (
    PUBLIC_PARTS,
    TEMPLATES,
    KeysetFolder,
    keys_in,
    promoted,
    public_part,
    with_new_key,
    write_secret,
)

app = typer.Typer(no_args_is_help=True, help="Keysets: list their keys, rotate one.")

Folder = Annotated[
    Path,
    typer.Option("--folder", envvar="DICT_KEYS_DIR", help="the folder with the keysets"),
]


@app.command("list")
def list_(folder: Folder, output: Output = Format.TABLE) -> None:
    """Every key of every keyset: its id, whether it seals, whether it waits to be promoted."""
    rows: list[dict[str, object]] = []
    for name in (*TEMPLATES, *PUBLIC_PARTS.values()):
        if not (folder / f"{name}.json").exists():
            rows.append({"keyset": name, "use": "no such file"})
            continue
        rows += [
            {"keyset": name, "key_id": key.id, "use": _use(key.primary, key.waiting)}
            | {"status": key.status}
            for key in keys_in(_text(folder, name))
        ]
    show_rows(rows, output, ("keyset", "key_id", "use", "status"), "no keysets")


@app.command()
def rotate(
    name: Annotated[str, typer.Argument(metavar="NAME", help="from `dictctl keys list`")],
    folder: Folder,
    promote: Annotated[
        bool, typer.Option("--promote", help="second run: the key that waits seals from now on")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say, change nothing")] = False,
    output: Output = Format.TABLE,
) -> None:
    """First run: adds a key that opens and does not seal yet. Old keys always stay."""
    if name not in TEMPLATES:
        raise CommandFailed(
            Exit.NOT_FOUND, f"{name} is none of {', '.join(TEMPLATES)}", "dictctl keys list"
        )
    before = _text(folder, name)
    waiting = [key.id for key in keys_in(before) if key.waiting]
    _require(name, waiting, promote)
    after = promoted(before) if promote else with_new_key(name, before)
    if not dry_run:
        _write(folder, name, after)
    done = "promoted" if promote else "added"
    # Nothing is kept of a key that a dry run has made.
    key_id = None if dry_run and not promote else keys_in(after)[-1].id
    show_record({"keyset": name, done: key_id, "written": not dry_run}, output)
    say("nothing was written" if dry_run else _next(name, promote))


def _require(name: str, waiting: list[int], promote: bool) -> None:
    """Raises CommandFailed CONFLICT where the other run is due."""
    if promote and not waiting:
        raise CommandFailed(
            Exit.CONFLICT, f"no key of {name} waits to be promoted", f"dictctl keys rotate {name}"
        )
    if waiting and not promote:
        raise CommandFailed(
            Exit.CONFLICT,
            f"key {waiting[-1]} of {name} waits to be promoted: first give every process the file",
            f"dictctl keys rotate {name} --promote",
        )


def _write(folder: Path, name: str, text: str) -> None:
    """The public part first: whatever is interrupted, the same run may be made again."""
    try:
        if name in PUBLIC_PARTS:
            write_secret(folder / f"{PUBLIC_PARTS[name]}.json", public_part(text))
        write_secret(folder / f"{name}.json", text)
    except OSError as error:
        raise CommandFailed(
            Exit.FAILED,
            f"{folder} cannot be written: {error.strerror}",
            "rotate a copy where your secrets are made, and deploy it from there",
        ) from None


def _text(folder: Path, name: str) -> str:
    """The file, if it is a keyset. Raises ConfigurationInvalid."""
    keysets = KeysetFolder(folder)
    if name in TEMPLATES:
        keysets.private(name)
    else:
        keysets.public(name)
    return keysets.text(f"{name}.json")


def _use(primary: bool, waiting: bool) -> str:
    if primary:
        return "seals and opens"
    return "opens, waits to be promoted" if waiting else "opens"


def _next(name: str, promote: bool) -> str:
    if not promote:
        return f"next: restart every process with it, then: dictctl keys rotate {name} --promote"
    hand_out = f", and hand out {PUBLIC_PARTS[name]}.json" if name in PUBLIC_PARTS else ""
    return f"next: restart every process with it{hand_out}; keep the old keys"
