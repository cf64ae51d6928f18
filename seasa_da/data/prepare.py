"""From a raw folder to a slice store, one case in memory at a time (and a worker)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seasa_da.config import DataSettings
from seasa_da.data.arrays import ArrayWriter
from seasa_da.data.case import SPLITS, CaseFiles, Split
from seasa_da.data.parallel import cores, for_each
from seasa_da.data.preprocess import IntensityHistogram, SliceGrid, prepare_case, slice_grid, to_range
from seasa_da.data.readers import RawDomain, Reader, VolumeGrid, find_reader
from seasa_da.data.store import (
    MANIFEST,
    Affine,
    CaseRecord,
    DomainManifest,
    Manifest,
    file_name,
)
from seasa_da.errors import UserError
from seasa_da.files import atomic_folder, os_errors_named, write_json_atomic

# A case in work takes about this many bytes a voxel of its file: the voxels as stored and as float32, a filtered copy.
BYTES_PER_VOXEL = 16
MEMORY_BYTES = 6 << 30


class _Job(NamedTuple):
    domain: str
    files: CaseFiles
    start: int  # first slice in its split's arrays
    original: VolumeGrid
    grid: SliceGrid


@dataclass(frozen=True)
class _Outcome:
    histogram: IntensityHistogram | None
    content: str  # hash of the voxels, to find one volume under two names


def prepare(
    raw: Path,
    out: Path,
    settings: DataSettings,
    *,
    workers: int | None = None,
    on_case: Callable[[], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> None:
    """Make a store of a raw folder, by the rule in `seasa_da.data.preprocess`.

    Nothing in it depends on labels but the label files themselves. The same input gives the same bytes.

    Args:
        raw: the raw folder, in a layout that a reader knows.
        out: the new store; appears only when complete.
        settings: the preprocessing.
        workers: cases prepared at a time; by default all cores, fewer for very large volumes.
        on_case: called after each case.
        say: called with lines for the user, such as what was left out.

    Raises:
        UserError: something is wrong with the raw folder or one of its files, `out` exists and is not empty, or it
            cannot be written.
    """
    with os_errors_named(out, "write"):
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UserError(f"{out} exists and is not empty; remove it or choose another folder for the store")
    reader = find_reader(raw)
    found = reader.scan(raw)
    if say is not None:
        for note in found.notes:
            say(note)
    for domain in found.domains:
        _check_split_labels(domain)
    everything = [(domain, files) for domain in found.domains for files in domain.cases]
    originals = for_each(lambda pair: reader.grid(pair[1]), everything, workers=workers)
    jobs, slices = _plan(everything, originals, settings)

    with atomic_folder(out) as folder, ExitStack() as stack:
        writers: dict[tuple[str, str], ArrayWriter] = {}
        for domain in found.domains:
            (folder / domain.name).mkdir()
            for split in SPLITS:
                plane = (settings.size, settings.size)
                count = slices[domain.name, split]
                shapes: dict[str, tuple[tuple[int, ...], type]] = {
                    file_name(split, "images"): ((count, 1, *plane), np.float32)
                }
                if any(files.label for files in domain.cases if files.split == split):
                    shapes[file_name(split, "labels")] = ((count, *plane), np.uint8)
                for name, (shape, dtype) in shapes.items():
                    writer = ArrayWriter(folder / domain.name / name, shape, dtype)
                    writers[domain.name, name] = stack.enter_context(writer)

        largest = max(int(np.prod(grid.shape)) for grid in originals)
        fitting = max(1, MEMORY_BYTES // (largest * BYTES_PER_VOXEL))
        outcomes = for_each(
            partial(_prepare_job, reader, settings, writers),
            jobs,
            workers=min(workers or cores(), fitting),
            on_done=on_case,
        )
        _refuse_twins(jobs, outcomes)
        domains = {
            domain.name: _finish_domain(domain, jobs, outcomes, writers, settings, workers) for domain in found.domains
        }
        manifest = Manifest(settings=settings, domains=domains)
        write_json_atomic(folder / MANIFEST, manifest.model_dump(mode="json"))


def _check_split_labels(domain: RawDomain) -> None:
    for split in SPLITS:
        cases = [files for files in domain.cases if files.split == split]
        without = [files for files in cases if files.label is None]
        if without and len(without) < len(cases):
            raise UserError(
                f"case {without[0].id} of domain {domain.name} has no label ({without[0].image}), but others of its "
                f"{split} split have; add its label, or remove the case or the split's other labels"
            )


def _plan(
    everything: list[tuple[RawDomain, CaseFiles]], originals: list[VolumeGrid], settings: DataSettings
) -> tuple[list[_Job], dict[tuple[str, Split], int]]:
    """Where each case's slices go, which the headers tell, and how many slices each (domain, split) has."""
    slices: dict[tuple[str, Split], int] = {(domain.name, split): 0 for domain, _ in everything for split in SPLITS}
    jobs = []
    for (domain, files), original in zip(everything, originals, strict=True):
        grid = slice_grid(original.shape, original.affine, settings)
        jobs.append(_Job(domain.name, files, slices[domain.name, files.split], original, grid))
        slices[domain.name, files.split] += grid.shape[0]
    return jobs, slices


def _prepare_job(
    reader: Reader, settings: DataSettings, writers: dict[tuple[str, str], ArrayWriter], job: _Job
) -> _Outcome:
    case = reader.load(job.files)
    prepared = prepare_case(case, settings)
    split = job.files.split
    writers[job.domain, file_name(split, "images")].write(job.start, prepared.images[:, None])
    if prepared.labels is not None:
        writers[job.domain, file_name(split, "labels")].write(job.start, prepared.labels)
    histogram = None
    if split == "train":
        histogram = IntensityHistogram()
        histogram.add(prepared.images[prepared.inside])
    content = hashlib.sha256(repr(case.image.shape).encode())
    content.update(np.ascontiguousarray(case.image).data)
    return _Outcome(histogram, content.hexdigest())


def _refuse_twins(jobs: list[_Job], outcomes: list[_Outcome]) -> None:
    """Refuse one volume under two names: the same patient could be in train and test."""
    first: dict[str, _Job] = {}
    for job, outcome in zip(jobs, outcomes, strict=True):
        twin = first.setdefault(outcome.content, job)
        if twin is not job:
            raise UserError(f"{job.files.image} and {twin.files.image} are the same volume; remove one of them")


def _finish_domain(
    domain: RawDomain,
    jobs: list[_Job],
    outcomes: list[_Outcome],
    writers: dict[tuple[str, str], ArrayWriter],
    settings: DataSettings,
    workers: int | None,
) -> DomainManifest:
    """Map the domain's images to [-1, 1] by its training voxels, close its files, and describe it."""
    histogram = IntensityHistogram()
    records = []
    for job, outcome in zip(jobs, outcomes, strict=True):
        if job.domain == domain.name:
            if outcome.histogram is not None:
                histogram.merge(outcome.histogram)
            records.append(_record(job))
    lo, hi = (histogram.percentile(percent) for percent in settings.range_percentiles)
    if not hi > lo:
        raise UserError(
            f"range_percentiles {settings.range_percentiles} of domain {domain.name} are one value; set them wider"
        )
    mine = {name: writer for (owner, name), writer in writers.items() if owner == domain.name}

    def finish(name: str) -> object:
        return mine[name].finish(partial(to_range, lo=lo, hi=hi) if name.endswith("_images.npy") else None)

    files = dict(zip(mine, for_each(finish, list(mine), workers=workers), strict=True))
    return DomainManifest.model_validate(
        {"label_names": domain.label_names, "channels": 1, "lo": lo, "hi": hi, "cases": records, "files": files}
    )


def _record(job: _Job) -> CaseRecord:
    return CaseRecord(
        id=job.files.id,
        split=job.files.split,
        start=job.start,
        stop=job.start + job.grid.shape[0],
        spacing_mm=job.grid.spacing_mm,
        original_shape=job.original.shape,
        original_affine=_rows(job.original.affine),
        affine=_rows(job.grid.affine),
    )


def _rows(affine: np.ndarray) -> Affine:
    return tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in affine)
