"""`report_page`: one HTML file on a run's folder, or on a comparison's or an ablation's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from seasa_da.comparison.manifest import FILE, read_manifest
from seasa_da.errors import UserError
from seasa_da.files import damage_named, os_errors_named, write_text_atomic
from seasa_da.inspection.comparison_page import comparison_page
from seasa_da.inspection.options import PageOptions
from seasa_da.inspection.run_page import run_page
from seasa_da.reporting.page.render import render

NAME = "report.html"


def report_page(
    folder: str | Path,
    out: str | Path | None = None,
    *,
    cases: int = 3,
    slices: int = 24,
    methods: Sequence[str] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Write the page; an older one is replaced. Nothing else is written, and nothing is trained.

    Args:
        folder: of a finished run, or what `compare` or `ablate` made.
        out: the file, by default `report.html` in the folder.
        cases, slices, methods, say: see `PageOptions`. An anonymised run has no pictures.

    Returns:
        The file.

    Raises:
        UserError: no such folder, a damaged file in it, or a file that cannot be written.
    """
    path, target = Path(folder), Path(out) if out else Path(folder) / NAME
    if cases < 0 or slices < 1:
        raise UserError(f"--cases {cases} --slices {slices}: give 0 or more cases, and 1 or more slices")
    options = PageOptions(cases, slices, methods, say)
    with os_errors_named(path, "read"):
        is_comparison, is_run = (path / FILE).is_file(), (path / "run.json").is_file()
    if not is_comparison and not is_run:
        raise UserError(f"{path} is neither a run's folder (run.json) nor a comparison's ({FILE}); give one of them")
    if target.is_dir():
        raise UserError(f"--out {target} is a folder; give the name of a file, such as {target / NAME}")
    with damage_named(path):
        if is_comparison:
            manifest = read_manifest(path)
            assert manifest is not None  # the file is there
            text = render(comparison_page(path, manifest, options))
        else:
            text = render(run_page(path, options))
    write_text_atomic(target, text)
    return target
