"""`seasa-da data info`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from seasa_da.data.store import SliceStore


@click.command()
@click.argument("path", metavar="STORE", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def info(path: Path, as_json: bool) -> None:
    """Show what is in the slice store STORE."""
    from seasa_da.data.store import SliceStore

    store = SliceStore.open(path)
    summary = _summary(store)
    if as_json:
        import json

        click.echo(json.dumps(summary, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=str(path), title_justify="left")
    for heading in ("domain", "split", "cases", "slices", "labels", "label names"):
        table.add_column(heading, justify="right" if heading in ("cases", "slices") else "left")
    for name, domain in summary["domains"].items():
        for split, part in domain["splits"].items():
            labels = "yes" if part["labels"] else "no"
            names = ", ".join(domain["label_names"])
            table.add_row(name, split, str(part["cases"]), str(part["slices"]), labels, names)
    console = Console()
    console.print(table)
    settings = store.settings
    slices = f"{settings.size} x {settings.size} pixels of {settings.spacing_mm:g} mm"
    lines = [f"slices: {store.axis}, {slices}, {settings.slice_mm or settings.spacing_mm:g} mm apart"]
    for name, domain in summary["domains"].items():
        channels = (f"{each['name']} {each['rule']} ({each['lo']:g} to {each['hi']:g})" for each in domain["channels"])
        lines.append(f"{name}: split by {domain['split_from'] or 'its folders'}; channels: {', '.join(channels)}")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _summary(store: SliceStore) -> dict[str, Any]:
    """What `info --json` prints."""
    from dataclasses import asdict

    from seasa_da.data.case import SPLITS
    from seasa_da.data.labels import labels_exist

    domains = {}
    for name in store.domains:
        domain = store.domain(name)
        splits = {}
        for split in SPLITS:
            cases = domain.split_cases(split)
            splits[split] = {
                "cases": len(cases),
                "slices": sum(case.stop - case.start for case in cases),
                "labels": labels_exist(store, name, split),
                "ids": [case.id for case in cases],
            }
        domains[name] = {
            "label_names": list(domain.label_names),
            "channels": [asdict(channel) for channel in domain.channels],
            "split_from": domain.split_from,
            "splits": splits,
        }
    settings = store.settings.model_dump(mode="json")
    return {"path": str(store.path), "settings": settings, "axis": store.axis, "domains": domains}
