"""`compare.json`: what a comparison, or an ablation, is made of. Commands that go on with it, and shards, add to it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seasa_da.comparison.common import Common
from seasa_da.comparison.kinds import COMPARISON, KINDS
from seasa_da.comparison.plan import Direction, Plan
from seasa_da.comparison.rows import Row, in_table_order
from seasa_da.errors import UserError
from seasa_da.files import is_plain_name, os_errors_named, read_json, refuse_used_folder, write_json_atomic

FORMAT = "seasa-da comparison"
VERSION = 1
FILE = "compare.json"
Data = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Manifest:
    """Everything that was asked for so far.

    Attributes:
        common: `Common.content()`.
        plan: rows in the table's order, directions and seeds as they came.
        data: by direction ("ct to mri"): the "class_names", and hashes of what "training" and "scoring" read.
    """

    common: Mapping[str, Any]
    plan: Plan
    data: Data = field(default_factory=dict)

    def check(self, folder: Path, common: Common, plan: Plan, data: Data | None = None) -> None:
        """Raise `UserError`, in one line, unless runs of these settings and data may join this comparison."""
        kind = self.plan.kind
        if kind != plan.kind:
            raise UserError(f"{folder} holds the runs of `seasa-da {kind.verb}`; choose another --out")
        # A preset that depends on the machine is compared once it is known.
        if different := [
            text for text in common.differences(self.common) if common.preset or not text.startswith("preset:")
        ]:
            raise UserError(f"{folder} was made with other settings ({'; '.join(different)}); choose another --out")
        for row in plan.rows:
            if any(row.name == old.name and row != old for old in self.plan.rows):
                raise UserError(f"{folder} has a row {row.name!r} of other settings; choose another --out")
        for direction, found in (data or {}).items():
            if self.data.get(direction, found) != found:
                raise UserError(f"the data of {folder} changed since it was made ({direction}); choose another --out")

    def with_more(self, plan: Plan, data: Data) -> Manifest:
        """This and what is asked for now."""
        rows = {row.name: row for row in (*self.plan.rows, *plan.rows)}
        merged = Plan(
            rows=tuple(in_table_order(rows.values(), plan.kind.order)),
            directions=tuple(dict.fromkeys((*self.plan.directions, *plan.directions))),
            seeds=tuple(sorted({*self.plan.seeds, *plan.seeds})),
            kind=plan.kind,
        )
        return Manifest(self.common, merged, {**self.data, **data})


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a comparison's folder, `None` where the folder is free.

    Raises:
        UserError: the folder is used by something else, or the manifest is damaged.
    """
    path = folder / FILE
    with os_errors_named(path, "read"):
        if not path.is_file():
            # Another shard may be about to write its manifest: its lock does not make the folder a used one.
            if not folder.is_dir() or any(not entry.name.startswith(f".{FILE}.") for entry in folder.iterdir()):
                refuse_used_folder(folder)
            return None
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UserError(f"{path} is not the record of a comparison; choose another --out")
    if content.get("version") != VERSION:
        raise UserError(f"{path} has version {content.get('version')!r}, this program reads {VERSION}")
    try:
        rows = (Row(r["name"], r["method"], tuple(r["addons"]), tuple(r["overrides"])) for r in content["rows"])
        directions = tuple(Direction(*pair) for pair in content["directions"])
        kind = KINDS[content.get("kind", COMPARISON.name)]  # the first version knew of no other
        plan = Plan(tuple(rows), directions, tuple(content["seeds"]), kind)
        if strange := [
            name for name in (*(row.name for row in plan.rows), *sum(directions, ())) if not is_plain_name(name)
        ]:
            raise TypeError(f"{strange[0]!r} is no name of a row or domain")  # folders are called so
        if not all(isinstance(seed, int) for seed in plan.seeds):
            raise TypeError("a seed is no whole number")
        return Manifest(content["common"], plan, content["data"])
    except (KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error}); choose another --out") from None


def extend_manifest(folder: Path, common: Common, plan: Plan, data: Data) -> Manifest:
    """Make the manifest or add to it, one process at a time. Raises as `Manifest.check` and `read_manifest` do."""
    with os_errors_named(folder, "write to"):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        old = read_manifest(folder)
        if old is not None:
            old.check(folder, common, plan, data)
        base = old or Manifest(common.content(), Plan((), (), ()))
        manifest = base.with_more(plan, data)
        if manifest != old:
            write_json_atomic(folder / FILE, _content(manifest))
    return manifest


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a comparison's folder alone; others wait. The system lets go of it when the process ends."""
    path = folder / f".{FILE}.lock"
    with os_errors_named(folder, "write to"):
        file = path.open("w")
    with file:
        with os_errors_named(path, "lock"):  # some network file systems have no locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _content(manifest: Manifest) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": manifest.plan.kind.name,
        "common": manifest.common,
        "rows": [asdict(row) for row in manifest.plan.rows],
        "directions": [list(direction) for direction in manifest.plan.directions],
        "seeds": list(manifest.plan.seeds),
        "data": manifest.data,
    }
