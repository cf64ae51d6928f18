"""Many volumes from files to files: what is finished is not done again, what is broken does not stop the rest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np

from seasa_da.errors import UserError
from seasa_da.files import os_errors_named, sha256_file, sweep_partials
from seasa_da.prediction.inputs import InputCase, channels_as_cases, find_inputs, refuse_overwriting_inputs
from seasa_da.prediction.maps import entropy, fitting_dtype, normalised
from seasa_da.prediction.nibabel_case import case_of_files
from seasa_da.prediction.nifti_writer import NiftiWriter, output_header
from seasa_da.prediction.segmenter import Segmenter

SAMPLE_BYTES = 1 << 16
MARK = "seasa-da "


@dataclass(frozen=True)
class Maps:
    """What is written beside the segmentations, each into a folder of its name.

    Attributes:
        probs: `probs/CLASS/CASE.nii.gz`, float32, of background and every class; they add up to 1.
        entropy: `entropy/CASE.nii.gz`, float32, nats.
        reliability: `reliability/CASE.nii.gz`, uint8: 1 where both families of views agree with the prediction.
    """

    probs: bool = False
    entropy: bool = False
    reliability: bool = False


@dataclass(frozen=True)
class Predicted:
    """What `predict_files` did: names of cases that were predicted, that were finished before, and what failed why."""

    done: tuple[str, ...]
    skipped: tuple[str, ...]
    failed: Mapping[str, str]


def predict_files(
    segmenter: Segmenter,
    volumes: Iterable[str | Path],
    out: str | Path,
    *,
    maps: Maps | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda line: None,
    on_start: Callable[[int], None] = lambda cases: None,
    on_case: Callable[[], None] = lambda: None,
) -> Predicted:
    """Segment volumes into `out/CASE.nii.gz`, in memory that does not grow with them.

    A case is finished when all its files are there, made by the same run of the same input; it is skipped then.

    Args:
        segmenter: of a run.
        volumes: files, folders and patterns, see `find_inputs`.
        out: a folder, made if need be.
        maps: what else is written.
        overwrite: predict again what is there, whoever made it; maps of an older segmentation are removed.
        say: called with a line for each failure at once, and for what is unusual about a volume.
        on_start: called with the number of cases.
        on_case: called after each case.

    Raises:
        UserError: wrong usage: nothing to predict, names that clash, outputs that are not this run's, no source slices.
    """
    maps, out = maps or Maps(), Path(out)
    cases = find_inputs([str(volume) for volume in volumes], segmenter.channels)
    if segmenter.channels == 1 and (line := channels_as_cases(cases)):
        say(f"warning: {line}")
    outputs = {case.name: _outputs(out, case.name, segmenter, maps) for case in cases}
    refuse_overwriting_inputs(cases, (path for paths in outputs.values() for path in paths))
    if maps.reliability:
        segmenter.want_votes()
    marks = _marks(segmenter, cases)
    older = {case.name: _maps_of(out, case.name, outputs[case.name]) for case in cases}
    finished = {
        case.name
        for case in cases
        if not overwrite and _finished(case, outputs[case.name], older[case.name], marks[case.name])
    }
    with os_errors_named(out, "write to"):
        for folder in {path.parent for paths in outputs.values() for path in paths} | {out}:
            folder.mkdir(parents=True, exist_ok=True)
            sweep_partials(folder)
    on_start(len(cases))
    done, failed = [], {}
    for case in cases:
        if case.name not in finished:
            try:
                for path in _outdated(older[case.name], marks[case.name]):
                    path.unlink()
                _predict(segmenter, case, outputs[case.name], marks[case.name], maps, out, say)
                done.append(case.name)
            except Exception as error:
                failed[case.name] = _line(case, error)
                say(failed[case.name])
        on_case()
    return Predicted(tuple(done), tuple(sorted(finished)), failed)


def _predict(
    segmenter: Segmenter,
    case: InputCase,
    outputs: Sequence[Path],
    mark: str,
    maps: Maps,
    out: Path,
    say: Callable[[str], None],
) -> None:
    if case.fault:
        raise UserError(case.fault)
    opened = case_of_files(case.name, case.files, segmenter.channels)
    image = nibabel.load(case.files[0])
    _, *xyz = opened.image.shape
    shape = (xyz[0], xyz[1], xyz[2])
    values = np.array(segmenter.label_values, dtype=fitting_dtype(segmenter.label_values))
    with ExitStack() as stack:
        # the labels first: they are put in their place last, when all else is there
        types = [values.dtype, *[np.dtype(np.float32)] * (len(outputs) - 1)]
        if maps.reliability:
            types[-1] = np.dtype(np.uint8)
        writers = [
            stack.enter_context(NiftiWriter(path, output_header(image, shape, dtype, mark)))
            for path, dtype in zip(outputs, types, strict=True)
        ]
        blocks = segmenter.blocks(
            opened,
            reliability=maps.reliability,
            warn=lambda line: say(f"warning: {case.files[0]}: {line}"),
            folder=out,
        )
        for block in stack.enter_context(closing(blocks)):
            probs = normalised(block.probs) if maps.probs or maps.entropy else block.probs
            contents = [values[block.labels]]
            contents += [*probs] if maps.probs else []
            contents += [entropy(probs)] if maps.entropy else []
            contents += [block.reliable] if block.reliable is not None else []
            for writer, voxels in zip(writers, contents, strict=True):
                writer.write(voxels)


def _outputs(out: Path, name: str, segmenter: Segmenter, maps: Maps) -> list[Path]:
    """The files of a case: labels, then maps in the order of `Maps`."""
    paths = [out / f"{name}.nii.gz"]
    if maps.probs:
        paths += [out / "probs" / part / f"{name}.nii.gz" for part in _file_names(segmenter.class_names)]
    paths += [out / "entropy" / f"{name}.nii.gz"] if maps.entropy else []
    paths += [out / "reliability" / f"{name}.nii.gz"] if maps.reliability else []
    return paths


def _maps_of(out: Path, name: str, outputs: Sequence[Path]) -> list[Path]:
    """Maps of a case from an earlier time that are none of its outputs now."""
    folders = [*sorted((out / "probs").glob("*")), out / "entropy", out / "reliability"]
    paths = [folder / f"{name}.nii.gz" for folder in folders]
    return [path for path in paths if path not in outputs and path.exists()]


def _outdated(maps: Sequence[Path], mark: str) -> list[Path]:
    """Those that belong to another segmentation than the one with this mark; files of others are left alone."""
    return [path for path in maps if (made := _made(path)) != mark and made.startswith(MARK)]


def _file_names(class_names: Sequence[str]) -> list[str]:
    """Folders of background and classes, each another."""
    names: list[str] = []
    for name in ("background", *class_names):
        plain = re.sub(r"[^\w.-]+", "-", name)
        names.append(plain if plain not in names else f"{plain}-{len(names)}")
    return names


def _marks(segmenter: Segmenter, cases: Sequence[InputCase]) -> dict[str, str]:
    """What each case's files say of how they were made: a hash of the network, the recipe and the input."""
    marks = {}
    for case in cases:
        digest = hashlib.sha256(segmenter.identity.encode())
        for path in case.files:
            digest.update(_sample(path))
        marks[case.name] = f"{MARK}{digest.hexdigest()[:16]}"
    return marks


def _sample(path: Path) -> bytes:
    """What tells a file from another: all of it; of a zipped one size, beginning, middle and end, its checksum's place.

    A file that is not zipped may be edited in place and keep its size.
    """
    try:
        if path.suffix.lower() != ".gz":
            return sha256_file(path).encode()
        size = path.stat().st_size
        with path.open("rb") as file:
            parts = [str(size).encode()]
            for place in (0, size // 2, max(0, size - SAMPLE_BYTES)):
                file.seek(place)
                parts.append(file.read(SAMPLE_BYTES))
    except OSError:
        return b""  # predicting it will say what is wrong
    return b"\0".join(parts)


def _finished(case: InputCase, outputs: Sequence[Path], older: Sequence[Path], mark: str) -> bool:
    """Whether all outputs are there. Raises `UserError` where one, or an older map, was made of something else."""
    there = [path for path in outputs if path.exists()]
    others = [*(path for path in there if _made(path) != mark), *_outdated(older, mark)]
    if others:
        raise UserError(
            f"{others[0]} is there already, but was not made by this run of {case.files[0]}; choose another --out, or "
            "say --overwrite"
        )
    return len(there) == len(outputs)


def _made(path: Path) -> str:
    """What a file says of how it was made; empty if it is not ours, whatever it is."""
    try:
        return str(nibabel.load(path).header["descrip"].item().decode("latin-1"))
    except Exception:
        return ""


def _line(case: InputCase, error: Exception) -> str:
    text = " ".join(str(error).split())
    if not isinstance(error, UserError):
        text = f"{type(error).__name__}: {text}"
    return text if any(str(path) in text for path in case.files) else f"{case.files[0]}: {text}"
