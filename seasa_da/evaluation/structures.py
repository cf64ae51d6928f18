"""Which value of label files is which structure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seasa_da.data.case import IGNORED, MEAN
from seasa_da.data.readers.dataset_json import read_dataset_json
from seasa_da.data.readers.raw import LARGEST_VALUE
from seasa_da.errors import UserError

MOST_STRUCTURES = IGNORED - 1
IGNORE = "ignore"
"""What nnU-Net calls the voxels that are neither learnt from nor scored."""


@dataclass(frozen=True)
class Structures:
    """The structures that are scored.

    Attributes:
        values: the value of each structure in the label files, by name, in the order of tables.
        ignored: values of voxels that are not scored; all others are background.
        said_by: where this is from, for the user.
    """

    values: dict[str, int]
    ignored: tuple[int, ...]
    said_by: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.values)

    def table(self) -> npt.NDArray[np.uint8]:
        """`(65536,)` from a value to 0, the place of its structure + 1, or `IGNORED`."""
        table = np.zeros(LARGEST_VALUE + 1, dtype=np.uint8)
        table[list(self.values.values())] = np.arange(1, len(self.values) + 1)
        table[list(self.ignored)] = IGNORED
        return table

    def undeclared(self, values: Iterable[int]) -> list[int]:
        """The values that are no structure, neither background nor ignored."""
        return sorted(set(values) - {0, *self.values.values(), *self.ignored})


def assigned_structures(assignments: Iterable[str]) -> Structures:
    """From texts `NAME=VALUE`; `ignore=VALUE` is not scored.

    Raises:
        UserError: not of that form, a value that label files cannot hold, a name or value given twice.
    """
    values: dict[str, int] = {}
    for text in assignments:
        name, _, number = text.rpartition("=")
        name = name.strip()
        if not name or not number.strip().isdecimal() or not 1 <= int(number[:9]) <= LARGEST_VALUE:
            raise UserError(
                f"--structure {text!r} is not of the form NAME=VALUE, such as liver=1, with a value from 1 to "
                f"{LARGEST_VALUE}"
            )
        if name in values or int(number) in values.values():
            raise UserError(f"--structure {text!r}: every name and every value may be given once")
        values[name] = int(number)
    ignored = values.pop(IGNORE, None)
    return _checked(values, () if ignored is None else (ignored,), "--structure")


def declared_structures(path: Path) -> Structures:
    """From a `dataset.json` of nnU-Net or the Medical Segmentation Decathlon. Raises `UserError` naming the file."""
    declared = read_dataset_json(path)
    stored = {store_value: value for value, store_value in declared.store_values.items()}
    values = {name: stored[place] for place, name in enumerate(declared.label_names, start=1)}
    ignored = tuple(value for value, stored_as in declared.store_values.items() if stored_as == IGNORED)
    return _checked(values, ignored, str(path))


def found_structures(values: Iterable[int]) -> Structures:
    """Every value but 0, called by its number. Raises `UserError` where there are none, or too many for labels."""
    return _checked({str(value): value for value in sorted(set(values) - {0})}, (), "the values in the labels")


def dataset_json_of(labels: Path) -> Path | None:
    """The `dataset.json` in the folder of labels or in the one above it."""
    places = (labels / "dataset.json", labels.absolute().parent / "dataset.json")
    return next((path for path in places if path.is_file()), None)


def _checked(values: dict[str, int], ignored: tuple[int, ...], said_by: str) -> Structures:
    if not values:
        raise UserError(f"no structure to score: {said_by} {'have' if said_by.endswith('s') else 'has'} none")
    if len(values) > MOST_STRUCTURES:
        raise UserError(
            f"{said_by}: {len(values)} structures, at most {MOST_STRUCTURES} can be scored; name those to score with "
            "--structure NAME=VALUE (are these label files?)"
        )
    if MEAN in values:
        raise UserError(f"a structure cannot be called {MEAN!r}, as score tables call the mean over structures so")
    return Structures(values, ignored, said_by)
