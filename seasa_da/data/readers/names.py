"""Finding files in folders of anybody's choice, and what the names say that a release gave them."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from seasa_da.data.readers.raw import Fault
from seasa_da.errors import UserError

LEVELS = 4
"""How many folders deep files are looked for."""
MOST_NAMED = 3
MODALITIES = {"ct": "ct", "mr": "mri", "mri": "mri"}
PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def find_files(raw: Path, endings: tuple[str, ...]) -> tuple[list[Path], list[Fault]]:
    """The files in `raw` or up to `LEVELS` folders below it whose names end so, in order, and links that lead nowhere.

    Raises:
        UserError: a folder that cannot be listed.
    """
    files, faults = [], []
    for path, is_link in _walk(raw, LEVELS, set(), strict=True):
        if is_link:
            faults.append(Fault(path, "is a link that leads nowhere, or to itself; mend or remove it"))
        elif path.name.endswith(endings):
            files.append(path)
    return sorted(files), faults


def has_file(raw: Path, name: re.Pattern[str]) -> bool:
    """Whether a file is called so in `raw` or up to `LEVELS` folders below it, as far as they can be listed."""
    walk = _walk(raw, LEVELS, set(), strict=False)
    return any(name.fullmatch(path.name) for path, is_link in walk if not is_link)


def said(raw: Path, path: Path, words: dict[str, str]) -> str | None:
    """What a file's name says, else its folder's, and so on up to `raw`; a name that says two things says nothing.

    Args:
        raw: whose own name does not count.
        path: the file.
        words: what each word means, `MODALITIES` or `PARTS`.
    """
    for name in reversed(path.relative_to(raw).parts):
        meant = {words[word] for word in re.split(r"[^a-z]+", name.lower()) if word in words}
        if len(meant) == 1:
            return meant.pop()
    return None


def stem(path: Path) -> str:
    """A file's name without endings, of which volumes converted from NIfTI have several."""
    return re.sub(r"(\.nii(\.gz)?)?\.\w+$", "", path.name)


def case_ids(paths: Iterable[Path]) -> dict[Path, str]:
    """An id for each file: its stem, after its folder's name where two are called the same; none where both are."""
    ids = {path: stem(path) for path in paths}
    often = Counter(ids.values())
    ids = {path: case if often[case] == 1 else f"{path.parent.name}_{case}" for path, case in ids.items()}
    often = Counter(ids.values())
    return {path: case for path, case in ids.items() if often[case] == 1}


def some(names: Iterable[str]) -> str:
    """The first few of many names, for a line."""
    first = sorted(names)
    return ", ".join(first[:MOST_NAMED]) + (", …" if len(first) > MOST_NAMED else "")


def _walk(folder: Path, levels: int, seen: set[tuple[int, int]], strict: bool) -> Iterator[tuple[Path, bool]]:
    """Files and, marked so, links that lead nowhere; none that are hidden, and no folder twice."""
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        if strict:
            raise UserError(f"cannot read {folder}: {error.strerror}; check its permissions") from error
        return
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_symlink() and not path.exists():
            yield path, True
        elif not entry.is_dir():
            yield path, False
        elif levels:
            yield from _walk(path, levels - 1, seen, strict)
