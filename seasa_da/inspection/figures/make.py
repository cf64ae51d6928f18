"""`make_figures`: the figures of runs, or of a comparison, into a new folder."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from seasa_da.errors import UserError
from seasa_da.files import atomic_folder, damage_named, refuse_used_folder
from seasa_da.inspection.figures.features import embedding
from seasa_da.inspection.figures.material import Material, NotThereError, Options
from seasa_da.inspection.figures.pictures import methods, reliability, uncertainty
from seasa_da.inspection.figures.runs import shown_runs
from seasa_da.inspection.figures.scores import calibration, curves, structures
from seasa_da.reporting.figures.sheet import Sheet

FIGURES: Mapping[str, Callable[[Material], Sheet]] = MappingProxyType(
    {
        "uncertainty": uncertainty,
        "methods": methods,
        "reliability": reliability,
        "curves": curves,
        "embedding": embedding,
        "structures": structures,
        "calibration": calibration,
    }
)
"""By the names that `--only` takes."""


@dataclass(frozen=True)
class Made:
    """What was made: files in their order, and lines on what is missing."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]


def make_figures(
    runs: Sequence[str | Path],
    out: str | Path,
    *,
    only: Sequence[str] = (),
    seed: int | None = None,
    direction: str | None = None,
    method: str | None = None,
    options: Options | None = None,
) -> Made:
    """Write figures as PNG and PDF; the runs are only read.

    Args:
        runs: folders of finished runs, or of comparisons.
        out: a new folder.
        only: names of `FIGURES`, by default all that can be made.
        seed, direction, method: see `shown_runs`.
        options: how much is shown.

    Raises:
        UserError: folders that are none of runs, a figure of `only` that cannot be made, or none at all.
    """
    options = options or Options()
    target = Path(out)
    refuse_used_folder(target)
    for name in only:
        if name not in FIGURES:
            near = difflib.get_close_matches(name, FIGURES, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UserError(f"--only {name!r} is no figure{hint} (figures: {', '.join(FIGURES)})")
    if options.cases < 1:
        raise UserError(f"--cases {options.cases}: give 1 or more test volumes")
    with damage_named(Path(runs[0])):
        shown = shown_runs([Path(run) for run in runs], seed=seed, direction=direction, method=method)
        material = Material(shown, options)
    missing: dict[str, list[str]] = {}
    files: list[Path] = []
    with atomic_folder(target) as folder:
        for name in dict.fromkeys(only) or FIGURES:
            options.say(f"drawing {name}")
            try:
                with damage_named(Path(runs[0])):
                    sheet = FIGURES[name](material)
            except NotThereError as error:
                if only:
                    raise UserError(f"{name} cannot be made: {error}") from None
                missing.setdefault(str(error), []).append(name)
                continue
            files += [target / file.name for file in sheet.save(folder, name)]
        if not files:
            raise UserError(f"no figure can be made: {'; '.join(missing)}")
    notes = [f"not made: {', '.join(names)} ({why})" for why, names in missing.items()]
    if material.why_no_data and any(file.stem == "methods" for file in files):
        notes.append(f"methods: the predictions alone, without image and truth ({material.why_no_data})")
    return Made(tuple(files), (*shown.notes, *notes))
