"""`seasa-da data verify`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seasa_da.commands.data.options import progress, raw_options, raw_settings
from seasa_da.errors import UserError, WrongSetting

if TYPE_CHECKING:
    from seasa_da.data.raw_folder import RawFolder
    from seasa_da.data.readers import Fault


@click.command()
@click.argument("raw", type=click.Path(path_type=Path), metavar="RAW|STORE")
@raw_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
@click.pass_context
def verify(ctx: click.Context, raw: Path, as_json: bool, **options: Any) -> None:
    """Read all files of a raw folder and list everything that is wrong, a line each; exit code 1 if any is.

    Of a store, every array is held against its hash.
    """
    settings = raw_settings(options)
    from seasa_da.data.store import MANIFEST

    if (raw / MANIFEST).is_file():
        ctx.exit(_verify_store(raw, as_json))
    from seasa_da.data.raw_folder import open_raw
    from seasa_da.data.readers import Fault
    from seasa_da.data.verify import verify as verify_folder

    folder: RawFolder | None = None
    faults: tuple[Fault, ...]
    try:
        folder = open_raw(raw, settings)
    except WrongSetting:
        raise
    except UserError as error:  # nothing can be listed: that is what is wrong
        faults = (Fault.of(error, raw),)
    else:
        with progress("verifying", _used(folder)) as step:
            faults = verify_folder(folder, settings, on_case=step).faults
    if as_json:
        import json

        click.echo(json.dumps(_summary(raw, folder, faults), indent=2))
    else:
        for note in folder.data.notes if folder else ():
            click.echo(note, err=True)
        for fault in faults:
            click.echo(os.fsencode(str(fault)))  # names of files need not be text
        click.echo(_count(raw, folder, len(faults)))
    ctx.exit(1 if faults else 0)


def _verify_store(path: Path, as_json: bool) -> int:
    """Print what is wrong with a store; returns the exit code."""
    from seasa_da.data.readers import Fault
    from seasa_da.data.store import MANIFEST, SliceStore
    from seasa_da.data.verify_store import stored_files, verify_store

    count = 0
    try:
        store = SliceStore.open(path)
    except UserError as error:
        faults: tuple[Fault, ...] = (Fault.of(error, path / MANIFEST),)
    else:
        count = len(stored_files(store))
        with progress("verifying", count) as step:
            faults = verify_store(store, on_file=step)
    if as_json:
        import json

        click.echo(json.dumps({"path": str(path), "format": "store", "faults": _described(faults)}, indent=2))
    else:
        for fault in faults:
            click.echo(os.fsencode(str(fault)))
        what = f"{len(faults)} fault{'' if len(faults) == 1 else 's'}" if faults else "nothing wrong"
        click.echo(os.fsencode(f"{path}: {what} in {count} arrays and the manifest"))
    return 1 if faults else 0


def _used(folder: RawFolder) -> int:
    return sum(files.split is not None for domain in folder.data.domains for files in domain.cases)


def _count(raw: Path, folder: RawFolder | None, faults: int) -> bytes:
    found = f"{faults} fault{'' if faults == 1 else 's'}" if faults else "nothing wrong"
    if folder is not None:
        domains = ", ".join(domain.name for domain in folder.data.domains)
        found += f" in {_used(folder)} cases of {domains} ({folder.reader.name})"
    return os.fsencode(f"{raw}: {found}")


def _summary(raw: Path, folder: RawFolder | None, faults: tuple[Fault, ...]) -> dict[str, Any]:
    """What `verify --json` prints."""
    from seasa_da.data.case import SPLITS

    domains = {
        domain.name: {
            "channels": list(domain.channels),
            "label_names": list(domain.label_names),
            "split_from": domain.split_from,
            "splits": {split: [files.id for files in domain.split_cases(split)] for split in SPLITS},
        }
        for domain in (folder.data.domains if folder else ())
    }
    return {
        "path": str(raw),
        "format": folder.reader.name if folder else None,
        "domains": domains,
        "notes": list(folder.data.notes) if folder else [],
        "faults": _described(faults),
    }


def _described(faults: tuple[Fault, ...]) -> list[dict[str, Any]]:
    return [
        {"path": str(fault.path), "what": fault.what, "domain": fault.domain, "case": fault.case, "kind": fault.kind}
        for fault in faults
    ]
