"""nnU-Net's `dataset.json`.

Version 2, and version 1, which the Medical Segmentation Decathlon has too:

    {"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1}, "numTraining": 20, "file_ending": ".nii.gz"}
    {"modality": {"0": "CT"}, "labels": {"0": "background", "1": "liver"}, "numTraining": 20}

A label called `ignore` is of voxels that are neither learnt from nor scored.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seasa_da.data.case import IGNORED, MEAN
from seasa_da.data.readers.raw import LARGEST_VALUE
from seasa_da.errors import UserError
from seasa_da.files import read_json

ENDINGS = (".nii.gz", ".nii")
MOST_LABELS = 254  # the store's values are bytes, and 255 is no class
IGNORE = "ignore"
MOST_DIGITS = 9  # of a value; Python itself refuses to read thousands


@dataclass(frozen=True)
class DatasetJson:
    """What a `dataset.json` says.

    Attributes:
        path: the file.
        channels: their names, in order of number.
        label_names: structures in the order of their values in the label files.
        label_values: those values.
        store_values: the store value of each value in the label files: 0 of 0, i + 1 of `label_names[i]`'s, `IGNORED`
            of the ignore label's.
        ending: of image and label files.
        channel_numbers: whether images' names end in their channel (`_0000`) for certain, as from version 2 on.
        training_cases: how many there should be, `None` if it does not say.
    """

    path: Path
    channels: tuple[str, ...]
    label_names: tuple[str, ...]
    label_values: tuple[int, ...]
    store_values: dict[int, int]
    ending: str
    channel_numbers: bool
    training_cases: int | None


def read_dataset_json(path: Path) -> DatasetJson:
    """Read and check the file.

    Raises:
        UserError: missing, not of that form, or with what is not read here: regions, files that are not NIfTI.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold channel_names, labels, numTraining and file_ending, as nnU-Net's does")
    ending = content.get("file_ending", ENDINGS[0])
    if ending not in ENDINGS:
        raise UserError(f"{path} has the file_ending {ending!r}; convert its files to NIfTI ({' or '.join(ENDINGS)})")
    values = _values(path, content.get("labels") or {})
    ignored = values.pop(IGNORE, None)
    names = tuple(sorted((name for name in values if values[name] != 0), key=lambda name: values[name]))
    store_values = {0: 0, **{values[name]: place for place, name in enumerate(names, start=1)}}
    if ignored is not None:
        store_values[ignored] = IGNORED
    cases = content.get("numTraining")
    return DatasetJson(
        path=path,
        channels=_channels(path, content.get("channel_names", content.get("modality"))),
        label_names=names,
        label_values=tuple(values[name] for name in names),
        store_values=store_values,
        ending=ending,
        channel_numbers="channel_names" in content,
        training_cases=cases if isinstance(cases, int) else None,
    )


def _channels(path: Path, channels: Any) -> tuple[str, ...]:
    """The channels' names in order of number."""
    if not isinstance(channels, dict) or not channels:
        raise UserError(f'{path} must name its channels, such as "channel_names": {{"0": "CT"}}')
    numbers = [str(number) for number in range(len(channels))]
    if set(channels) != set(numbers):
        raise UserError(f"{path} numbers its channels {', '.join(sorted(channels))}; they must be {', '.join(numbers)}")
    names = tuple(channels[number] for number in numbers)
    for name in names:
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise UserError(f"{path} calls a channel {name!r}; give it a name, such as CT")
    return names


def _values(path: Path, labels: Any) -> dict[str, int]:
    """The value in the label files by name."""
    form = f'{path}: labels must be of the form {{"background": 0, "liver": 1}}'
    if not isinstance(labels, dict):
        raise UserError(form)
    if labels and all(isinstance(name, str) for name in labels.values()):  # version 1
        numbers = all(key.isdecimal() and len(key) <= MOST_DIGITS for key in labels)
        if not numbers or len(set(labels.values())) < len(labels):
            raise UserError(f'{form}, or {{"0": "background", "1": "liver"}} with each name once')
        labels = {name: int(key) for key, name in labels.items()}
    if regions := [name for name, value in labels.items() if isinstance(value, list)]:
        raise UserError(f"{path}: label {regions[0]!r} is a region of several values; give every structure one value")
    for name, value in labels.items():
        if not name.strip() or not name.isprintable() or isinstance(value, bool) or not isinstance(value, int):
            raise UserError(f"{form}; {name!r}: {value!r} is not")
        if not 0 <= value <= LARGEST_VALUE:
            raise UserError(f"{path}: label {name!r} has the value {value}; values go from 0 to {LARGEST_VALUE}")
    if len(set(labels.values())) < len(labels):
        raise UserError(f"{path} gives two labels one value; every structure needs its own")
    if labels.get("background", 0) != 0:
        raise UserError(f"{path}: label 'background' has the value {labels['background']}; it must be 0")
    if labels.get(IGNORE) == 0:
        raise UserError(f"{path}: label {IGNORE!r} has the value 0, which is the background's; give it one of its own")
    if MEAN in labels:
        raise UserError(
            f"{path}: a label cannot be called {MEAN!r}, as score tables call the mean over structures so; rename it"
        )
    if len(labels) > MOST_LABELS:
        raise UserError(f"{path} has {len(labels)} labels; at most {MOST_LABELS} can be kept")
    return dict(labels)
