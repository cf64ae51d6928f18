"""`seasa-da methods`: what can be trained, and what can be added."""

from __future__ import annotations

import click


@click.command()
def methods() -> None:
    """List methods and add-ons, a line each."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from seasa_da.plugins import plugins
    from seasa_da.registry import ADDONS, METHODS, AddonSpec, MethodSpec

    console = Console()
    for title, group, kind, builtin in (
        ("method", "seasa_da.methods", MethodSpec, METHODS),
        ("add-on", "seasa_da.addons", AddonSpec, ADDONS),
    ):
        others, broken = plugins(group, kind)
        listed = {**builtin, **{name: spec for name, spec in others.items() if name not in builtin}}
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
            console.print(f"not usable: {plugin.name} ({plugin.reason})", highlight=False, markup=False)
