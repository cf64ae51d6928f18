"""`seasa-da data`: make the phantom, prepare raw volumes, look at a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from pydantic import ValidationError

from seasa_da.config import PRESETS, DataSettings, PhantomSettings, Section, load_preset
from seasa_da.errors import UserError

if TYPE_CHECKING:
    from seasa_da.data.store import SliceStore

Settings = TypeVar("Settings", bound=Section)


@click.group()
def data() -> None:
    """Make the phantom, prepare raw volumes, look at a store."""


@data.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The new raw folder.")
@click.option("--development", is_flag=True, help="Other anatomies: the ones on which settings may be chosen.")
@click.option("--train-cases", type=int, metavar="N", help="Training volumes a modality [default: 16].")
@click.option("--test-cases", type=int, metavar="N", help="Test volumes a modality [default: 12].")
@click.option("--seed", type=int, metavar="N", help="Seed of the anatomies [default: 2023].")
@click.option("--voxel-mm", type=float, metavar="X", help="Mean voxel size, mm [default: 2.5].")
def phantom(out: Path, development: bool, **options: Any) -> None:
    """Write the built-in phantom, CT and MRI of analytic hearts, as an MM-WHS folder."""
    from seasa_da.data.phantom import make_phantom

    settings = _settings(PhantomSettings, {"development": development}, options)
    cases = 2 * (settings.train_cases + settings.test_cases)
    with progress("making the phantom", cases) as step:
        make_phantom(out, settings, on_case=step)
    click.echo(f"{cases} volumes in {out}")


@data.command()
@click.argument("raw", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="STORE", help="The new store.")
@click.option("--preset", metavar="|".join(PRESETS), default="paper", show_default=True, help="Size and spacing.")
@click.option("--size", type=int, metavar="N", help="Height and width of a slice, pixels.")
@click.option("--spacing-mm", type=float, metavar="X", help="Voxel size after resampling, mm.")
@click.option("--depth-mm", type=float, metavar="X", help="Extent kept across the slices, mm.")
def prepare(raw: Path, out: Path, preset: str, **options: Any) -> None:
    """Make a slice store of the raw folder RAW."""
    settings = _settings(DataSettings, load_preset(preset).get("data", {}), options)
    from seasa_da.data.prepare import prepare as prepare_store
    from seasa_da.data.readers import find_reader

    found = find_reader(raw).scan(raw)
    cases = sum(len(domain.cases) for domain in found.domains)
    with progress("preparing", cases) as step:
        prepare_store(raw, out, settings, on_case=step, say=click.echo)
    click.echo(f"{cases} volumes in {out}")


@data.command()
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
    for heading in ("domain", "split", "cases", "slices", "size", "spacing mm", "labels", "label names"):
        table.add_column(heading, justify="right" if heading in ("cases", "slices") else "left")
    for name, domain in summary["domains"].items():
        for split, part in domain["splits"].items():
            table.add_row(
                name,
                split,
                str(part["cases"]),
                str(part["slices"]),
                f"{store.settings.size} x {store.settings.size}",
                f"{store.settings.spacing_mm:g}",
                "yes" if part["labels"] else "no",
                ", ".join(domain["label_names"]),
            )
    Console().print(table)


def _summary(store: SliceStore) -> dict[str, Any]:
    """What `info --json` prints."""
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
        domains[name] = {"label_names": list(domain.label_names), "channels": domain.channels, "splits": splits}
    return {"path": str(store.path), "settings": store.settings.model_dump(mode="json"), "domains": domains}


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A progress bar on stderr; yields the callback that moves it on by one. Not a terminal: nothing is shown."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


def _settings(cls: type[Settings], defaults: dict[str, Any], options: dict[str, Any]) -> Settings:
    """Settings with the options that were given over `defaults`. Raises `UserError` that names the option."""
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return cls.model_validate({**defaults, **given})
    except ValidationError as error:
        fault = error.errors()[0]
        option = "--" + ".".join(str(part) for part in fault["loc"]).replace("_", "-")
        raise UserError(f"{option} {fault['input']}: {fault['msg']}") from None
