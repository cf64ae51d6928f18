"""A domain of published slices and test volumes, divided by what their names say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from seasa_da.data.case import CaseFiles, Split
from seasa_da.data.readers.names import case_ids
from seasa_da.data.readers.raw import UNCHECKED, Fault, RawDomain
from seasa_da.data.readers.slice_case import IGNORED_VALUES, LABEL_NAMES, LABEL_VALUES
from seasa_da.data.readers.slice_files import is_volume

CHANNELS = {"ct": ("CT",), "mri": ("MRI",)}


def slice_domain(
    name: str,
    parts: Mapping[Path, str],
    labels: Mapping[Path, Path],
    window: tuple[float, float],
    notes: list[str],
    faults: list[Fault],
) -> RawDomain:
    """The domain of some files.

    The validation slices are left out: by the release's counts of cases (14 + 2 CT and 16 + 4 MR, of 20 each), those
    of MR are of the test patients. In a domain without a test volume they are what is tested.

    Args:
        name: of the domain.
        parts: "train", "val" or "test" for each image file.
        labels: the label file of each image file that has one.
        window: the intensities that become -1 and 1.
        notes, faults: to add to.
    """
    ids = case_ids(parts)
    unnamed = f"is called as another file of {name} in a folder of the same name; rename it"
    faults += [Fault(path, unnamed, name) for path in sorted(parts) if path not in ids]
    tested = "test" if "test" in parts.values() else "val"
    splits: dict[str, Split | None] = {"train": "train", "val": None, "test": "test", tested: "test"}
    cases = [
        CaseFiles(case, (path,), labels.get(path), splits[parts[path]], "train" if parts[path] == "train" else "test")
        for path, case in sorted(ids.items(), key=lambda item: item[1])
    ]
    slices = sum(part == "train" and not is_volume(path) for path, part in parts.items())
    validation = sum(part == "val" for part in parts.values())
    if slices:
        notes.append(f"{name}: {slices} training slices name no patient; whether one is tested too cannot be checked")
    if validation and tested == "test":
        notes.append(f"not used: {validation} validation slices of {name}, which may be of the test volumes' patients")
    elif validation:
        notes.append(f"{name} has no test volume; its {validation} validation slices are tested, each as a case")
    return RawDomain(
        name,
        LABEL_NAMES,
        tuple(cases),
        label_values=LABEL_VALUES,
        ignored_values=IGNORED_VALUES,
        channels=CHANNELS[name],
        axis="coronal",
        intensity=f"window:{window[0]:g},{window[1]:g}",
        split_from=f"the {'test volumes' if tested == 'test' else 'validation slices'}{UNCHECKED if slices else ''}",
        patients_known=not slices,
    )
