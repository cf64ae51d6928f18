"""Which volumes a user means: files, folders and patterns, several channels grouped into a case."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seasa_da.errors import UserError
from seasa_da.files import os_errors_named

ENDINGS = (".nii.gz", ".nii")
_NUMBERED = re.compile(r"(.+)_(\d{4})")


@dataclass(frozen=True)
class InputCase:
    """A volume to be segmented.

    Attributes:
        name: of its outputs.
        files: one a channel, or one that holds all of them.
        fault: why it cannot be read, a line; empty if the files may be looked at.
    """

    name: str
    files: tuple[Path, ...]
    fault: str = ""


def find_inputs(volumes: Iterable[str], channels: int) -> list[InputCase]:
    """The cases that files, folders (their own NIfTI files) and patterns (`*`, `?`, `**`) name, in order of name.

    `CASE_0000.nii.gz`, `CASE_0001.nii.gz`, … are the channels of a case; a run on one channel takes a name with
    `_0000` and one without. MM-WHS's `CASE_image.nii.gz` is CASE; in a folder of such, `CASE_label.nii.gz` is no image.

    Args:
        volumes: as the user wrote them.
        channels: of the run.

    Raises:
        UserError: nothing there, or two cases whose outputs would have one name.
    """
    files: dict[tuple[Path, str], Path] = {}
    for text in volumes:
        for file in _files(text):
            # links of two names to one file are two cases, or two channels
            files.setdefault((file.resolve(), file.name), file)
    cases = _one_channel(files.values()) if channels == 1 else _several_channels(files.values(), channels)
    by_name: dict[str, InputCase] = {}
    for case in sorted(cases, key=lambda case: case.name):
        twin = by_name.setdefault(case.name, case)
        if twin is not case:
            raise UserError(
                f"{twin.files[0]} and {case.files[0]} would both become {case.name}.nii.gz; predict one of them into "
                "another --out"
            )
    return list(by_name.values())


def channels_as_cases(cases: Iterable[InputCase]) -> str:
    """A line for the user where cases of one channel, by their names, look like channels of one case; else empty."""
    groups, _ = _grouped(path for case in cases for path in case.files)
    alike = sorted(case for (_, case), numbered in groups.items() if {"0000", "0001"} <= numbered.keys())
    if not alike:
        return ""
    more = f" (so are {len(alike) - 1} more)" if alike[1:] else ""
    return (
        f"{alike[0]}_0000 and {alike[0]}_0001 are segmented as two cases, as the run has one channel{more}; if they "
        "are channels of one, give only the one that the run was trained on"
    )


def _files(text: str) -> list[Path]:
    path = Path(text)
    with os_errors_named(path, "read"):
        if path.is_dir():
            return _volumes_in(path)
        if path.exists() or path.is_symlink() or not glob.has_magic(text):
            if not path.exists():
                raise UserError(f"{path} does not exist; give NIfTI files, folders of them, or a quoted pattern")
            return [path]
        found = [Path(name) for name in sorted(glob.glob(text, recursive=True))]  # noqa: PTH207  # absolute ones too
    if not found:
        raise UserError(f"nothing fits the pattern {text!r}")
    return [file for one in found for file in (_volumes_in(one) if one.is_dir() else [one])]


def _volumes_in(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.iterdir() if path.name.endswith(ENDINGS) and not path.name.startswith("."))
    if any(_stem(path).endswith("_image") for path in files):
        files = [path for path in files if not _stem(path).endswith("_label")]
    if not files:
        raise UserError(f"{folder} has no .nii or .nii.gz file; give a folder that has, or files")
    return files


def _stem(path: Path) -> str:
    return next((path.name.removesuffix(end) for end in ENDINGS if path.name.endswith(end)), path.stem)


def _one_channel(files: Iterable[Path]) -> list[InputCase]:
    groups, others = _grouped(files)
    cases = [InputCase(_stem(path).removesuffix("_image"), (path,)) for path in others]
    for (_, case), numbered in groups.items():
        # where a name goes on with 0001, the number may be the case's own
        names = {number: case if list(numbered) == ["0000"] else f"{case}_{number}" for number in numbered}
        cases += [InputCase(names[number], (path,)) for number, path in numbered.items()]
    return cases


def _several_channels(files: Iterable[Path], channels: int) -> list[InputCase]:
    groups, others = _grouped(files)
    cases = [InputCase(_stem(path).removesuffix("_image"), (path,)) for path in others]
    wanted = [f"{number:04d}" for number in range(channels)]
    for (_, case), numbered in groups.items():
        paths = tuple(path for _, path in sorted(numbered.items()))
        fault = ""
        if lacking := [number for number in wanted if number not in numbered]:
            fault = f"{paths[0]}: case {case} lacks channel {', '.join(lacking)} (the run has {channels} channels)"
        elif surplus := sorted(numbered.keys() - set(wanted)):
            fault = f"{numbered[surplus[0]]} is a further channel of case {case}, but the run has {channels}"
        cases.append(InputCase(case, paths, fault))
    return cases


def _grouped(files: Iterable[Path]) -> tuple[dict[tuple[Path, str], dict[str, Path]], list[Path]]:
    """Files by (folder, case) and number, and those whose names have none."""
    groups: dict[tuple[Path, str], dict[str, Path]] = {}
    others: list[Path] = []
    for path in files:
        match = _NUMBERED.fullmatch(_stem(path))
        own = groups.setdefault((path.parent, match[1]), {}) if match else {}
        if match and match[2] not in own:
            own[match[2]] = path
        else:
            others.append(path)
    return groups, others


def refuse_overwriting_inputs(cases: Sequence[InputCase], outputs: Iterable[Path]) -> None:
    """Raise `UserError` where an output would take the place of an input."""
    inputs = {path.resolve() for case in cases for path in case.files}
    for output in outputs:
        if output.resolve() in inputs:
            raise UserError(f"{output} is one of the volumes to be segmented; choose another folder for --out")
