"""`seasa-da methods`: what can be trained, what can be added, and what data can be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click


@click.command()
def methods() -> None:
    """List methods, add-ons and readers of raw data, a line each."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from seasa_da.data.readers import READERS, reader_plugins
    from seasa_da.registry import ADDONS, METHODS, addon_plugins, method_plugins

    console = Console()
    kinds: tuple[tuple[str, Mapping[str, Any], Callable[[], Any]], ...] = (
        ("method", METHODS, method_plugins),
        ("add-on", ADDONS, addon_plugins),
        ("reader", {reader.name: reader for reader in READERS}, reader_plugins),
    )
    for title, builtin, join in kinds:
        others, broken = join()
        listed = {**builtin, **others}
        table = Table(box=None, pad_edge=False)
        table.add_column(title, style="bold", no_wrap=True)
        table.add_column("")
        for name, spec in listed.items():
            table.add_row(Text(name), Text(spec.summary))
        console.print(table, "")
        if title == "method":
            for name, spec in listed.items():
                if spec.refuses_addons:
                    console.print(f"no add-ons with {name}: {spec.refuses_addons}", highlight=False, markup=False)
            console.print()
        for plugin in broken:
            line = f"not usable: {plugin.name} ({plugin.reason})"
            console.print(line, highlight=False, markup=False, soft_wrap=True)
