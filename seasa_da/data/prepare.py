"""From a raw folder to a slice store, in bounded memory; what an older store has already is taken from there."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from seasa_da.config import DataSettings, RawSettings
from seasa_da.data.arrays import ArrayWriter, FileRecord
from seasa_da.data.case import IGNORED, SPLITS, Case, Intensities
from seasa_da.data.describe import TrainingRanges, describe_domain
from seasa_da.data.intensity import check_rule_domains, choose_rules
from seasa_da.data.parallel import Counting, cores, for_each, no_counting
from seasa_da.data.plan import Found, Job, Plan, make_plan
from seasa_da.data.plausible import not_hounsfield, odd_ones_out
from seasa_da.data.preprocess import PREPROCESS_VERSION, prepare_case
from seasa_da.data.raw_folder import open_raw
from seasa_da.data.readers import RawDomain, Reader
from seasa_da.data.resample import BLOCK_VOXELS, field_of_view
from seasa_da.data.reuse import OlderStore, no_part_of_a_store, source_hashes
from seasa_da.data.store import MANIFEST, Manifest, file_name
from seasa_da.data.verify import Verification, verify
from seasa_da.errors import UserError
from seasa_da.files import atomic_folder, os_errors_named, write_json_atomic

MEMORY_SHARE = 0.5
"""Share of the machine's free memory that all cases in work may take."""
FAULTS_SHOWN = 3
UNUSUAL_SHOWN = 10


@dataclass(frozen=True)
class Prepared:
    """What `prepare` did.

    Attributes:
        cases: how many the store has.
        reused: how many of them were taken from an older one.
        voxels: of the raw images of the others, a channel of each.
    """

    cases: int
    reused: int
    voxels: int = 0


def prepare(
    raw: Path,
    out: Path,
    settings: DataSettings,
    raw_settings: RawSettings | None = None,
    *,
    workers: int | None = None,
    progress: Counting = no_counting,
    say: Callable[[str], None] = lambda line: None,
    reuse: Path | None = None,
) -> Prepared:
    """Make a store of a raw folder; all its files are verified first.

    Nothing in it depends on labels but the label files themselves. The same input gives the same bytes. Cases whose
    files did not change since `out`, or `reuse`, was made with the same settings are not read again.

    Args:
        raw: the raw folder, in a layout that a reader knows.
        out: the store; it appears, or takes an older store's place, only when it is complete.
        settings: the preprocessing.
        raw_settings: which files are read, as what; by default by looking at the folder.
        workers: cases prepared at a time; by default all cores, fewer for very large volumes.
        progress: shows how far it is.
        say: called with lines for the user: what was chosen, what was left out, what is unusual.
        reuse: a further store that may have some of the cases.

    Raises:
        UserError: something is wrong with the raw folder or one of its files, `out` holds something else than a store,
            or it cannot be written.
    """
    raw_settings = raw_settings or RawSettings()
    with os_errors_named(out, "write"):
        replace = (out / MANIFEST).is_file()
        if out.exists() and not replace and (not out.is_dir() or any(out.iterdir())):
            raise UserError(f"{out} exists and is no store; remove it or choose another folder for the store")
        if replace and (other := no_part_of_a_store(out)):
            raise UserError(
                f"{out} would be replaced, and {other} is no part of a store; move that away, or choose another folder "
                "for the store"
            )
    folder = open_raw(raw, raw_settings)
    domains, reader = folder.data.domains, folder.reader
    for note in folder.data.notes:
        say(note)
    check_rule_domains(settings, tuple(domain.name for domain in domains))
    for domain in domains:  # before hours of reading
        choose_rules(domain.name, domain.channels, domain.intensity, settings)
    used = [(domain, files) for domain in domains for files in domain.cases if files.split]
    sources = source_hashes(raw, [files for _, files in used], workers=workers, progress=progress)
    made_by = f"{reader.name} {reader.version}, preprocessing {PREPROCESS_VERSION}"
    older = [store for store in (OlderStore.at(out), OlderStore.at(reuse)) if store and store.store.made_by == made_by]

    known = {}
    for (domain, files), hashes in zip(used, sources, strict=True):
        same = (store.of_same_files(domain, files, hashes) for store in older)
        if case := next((case for case in same if case), None):
            known[domain.name, files.id] = case.content
    with progress("verifying", len(used) - len(known)) as step:
        checked = verify(folder, raw_settings, workers=workers, known=known, on_case=step)
    _refuse_faults(raw, checked)
    contents = checked.contents

    originals = for_each(lambda pair: reader.grid(pair[1]), used, workers=workers)
    found = [Found(*pair, grid, hashes) for pair, grid, hashes in zip(used, originals, sources, strict=True)]
    plan = make_plan(domains, found, settings, older, say)
    reused = sum(job.older is not None for job in plan.jobs)
    if _up_to_date(out, plan, settings, domains):
        say(f"{out} is up to date: none of its {reused} cases changed")
        return Prepared(len(plan.jobs), reused)
    if reused:
        say(f"{reused} of {len(plan.jobs)} cases did not change: they are taken from the older store")

    at_a_time = min(workers or cores(), _fitting(plan.jobs))
    ranges = TrainingRanges()
    with atomic_folder(_place(out), replace=replace) as aside, ExitStack() as stack:
        writers = {
            key: stack.enter_context(ArrayWriter(_made(aside / key[0]) / key[1], *array))
            for key, array in _arrays(domains, plan, settings).items()
        }
        with progress("preparing", len(plan.jobs)) as step:
            intensities = for_each(
                partial(_carry_out, reader, writers, ranges),
                plan.jobs,
                workers=at_a_time,
                on_done=step,
            )
        _say_unusual(plan.jobs, intensities, say)
        arrays = _finished(writers, workers)
        manifest = Manifest(
            settings=settings,
            axis=plan.axis,
            made_by=made_by,
            domains={
                domain.name: describe_domain(domain, plan, intensities, ranges, contents, arrays[domain.name], settings)
                for domain in domains
            },
        )
        write_json_atomic(aside / MANIFEST, {**manifest.model_dump(mode="json"), "sha256": manifest.seal()})
    grids = zip(plan.jobs, originals, strict=True)
    voxels = sum(math.prod(grid.shape) for job, grid in grids if job.older is None)
    return Prepared(len(plan.jobs), reused, voxels)


def _refuse_faults(raw: Path, checked: Verification) -> None:
    if not checked.faults:
        return
    first = "; ".join(str(fault) for fault in checked.faults[:FAULTS_SHOWN])
    more = len(checked.faults) - FAULTS_SHOWN
    what = f" and {more} more, which `seasa-da data verify {raw}` lists" if more > 0 else ""
    raise UserError(f"{first}{what}; mend them or leave the cases out (--exclude CASE, or raw.exclude)")


def _up_to_date(out: Path, plan: Plan, settings: DataSettings, domains: Sequence[RawDomain]) -> bool:
    """Whether the store at `out` is what would be made now."""
    if not plan.jobs or not all(job.older and job.older[0].store.path == out for job in plan.jobs):
        return False
    store = plan.jobs[0].older[0].store  # type: ignore[index]  # just looked at
    same_cases = all(
        (job.older[1].split, job.older[1].start, job.older[1].sources) == (job.split, job.start, job.sources)
        for job in plan.jobs
        if job.older
    )
    all_cases = sum(len(store.domain(name).cases) for name in store.domains) == len(plan.jobs)
    described = [(domain.name, domain.channels, domain.split_from) for domain in domains]
    before = [
        (name, tuple(channel.name for channel in store.domain(name).channels), store.domain(name).split_from)
        for name in store.domains
    ]
    return same_cases and all_cases and before == described and store.settings == settings


def _arrays(
    domains: Sequence[RawDomain], plan: Plan, settings: DataSettings
) -> dict[tuple[str, str], tuple[tuple[int, ...], type]]:
    """Shape and type of every array by (domain, file name)."""
    plane = (settings.size, settings.size)
    arrays: dict[tuple[str, str], tuple[tuple[int, ...], type]] = {}
    for domain in domains:
        for split in SPLITS:
            count = plan.slices[domain.name, split]
            arrays[domain.name, file_name(split, "images")] = ((count, len(domain.channels), *plane), np.float32)
            if any(files.label for files in domain.split_cases(split)):
                arrays[domain.name, file_name(split, "labels")] = ((count, *plane), np.uint8)
    return arrays


def _place(out: Path) -> Path:
    """Where the store lies: what a link leads to; the name of a folder called `.` or `..`."""
    return Path(os.path.realpath(out)) if out.is_symlink() or out.name in ("", "..") else out


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def _fitting(jobs: Sequence[Job]) -> int:
    """How many cases fit into memory at a time, by what the largest one takes. Raises `UserError` if one never will."""
    largest = 1
    for job in jobs:
        channels = len(job.rules)
        voxels = int(np.prod(job.original.shape))
        # the file unzipped (or the part of it that is kept in memory), a block as read, as float32, and filtered
        reading = min(4 * voxels, 1 << 28) * channels + 20 * min(voxels, BLOCK_VOXELS)
        cropped = int(np.prod(job.grid.shape)) * (12 * channels + 4)
        largest = max(largest, reading + cropped)
        if cropped > psutil.virtual_memory().total:
            slices, height, width = job.grid.shape
            raise UserError(
                f"{job.files.image} would become {slices} slices of {height} x {width} pixels, more than fit into "
                "memory; set wider data.spacing_mm or data.slice_mm, or a smaller data.size or data.depth_mm"
            )
    return max(1, int(psutil.virtual_memory().available * MEMORY_SHARE) // largest)


def _carry_out(
    reader: Reader, writers: Mapping[tuple[str, str], ArrayWriter], ranges: TrainingRanges, job: Job
) -> tuple[Intensities, ...]:
    """Write a case's slices; returns what its intensities are."""
    name = job.domain.name
    if job.older is None:
        prepared = prepare_case(_fitting_domain(job, reader.load(job.files)), job.grid, job.rules)
        images, labels, inside = prepared.images.swapaxes(0, 1), prepared.labels, prepared.inside
        _refuse_nameless(job, labels)
        intensities = prepared.intensities
    else:
        store, case = job.older
        images, labels = store.slices(name, case)
        inside, intensities = field_of_view(job.original.shape, job.original.affine, job.grid), case.intensities
    writers[name, file_name(job.split, "images")].write(job.start, images)
    if job.files.label is not None and labels is not None:
        writers[name, file_name(job.split, "labels")].write(job.start, labels)
    if job.split == "train":
        for channel, rule in enumerate(job.rules):
            if rule.fixed_range is None:
                ranges.add(name, channel, images[:, channel][inside])
    return intensities


def _fitting_domain(job: Job, case: Case) -> Case:
    """The case, if it has the channels of its domain; a third party's reader may say other things of each."""
    channels = job.domain.channels
    if case.image.shape[0] != len(channels):
        raise UserError(
            f"{job.files.image} has {case.image.shape[0]} channels, its domain {job.domain.name} {len(channels)} "
            f"({', '.join(channels)}); leave it out (--exclude {job.domain.name}/{case.id}), or mend its reader"
        )
    return case


def _refuse_nameless(job: Job, labels: NDArray[np.uint8] | None) -> None:
    """Built-in readers know which values there are; of a third party's, a value too many would become background."""
    names = job.domain.label_names
    most = 0 if labels is None else int(np.where(labels == IGNORED, 0, labels).max())
    if most > len(names):
        raise UserError(
            f"{job.files.label or job.files.image} has the label {most}, but {job.domain.name} has {len(names)} label "
            f"names; leave it out (--exclude {job.domain.name}/{job.files.id}), or mend its reader"
        )


def _say_unusual(jobs: Sequence[Job], seen: Sequence[tuple[Intensities, ...]], say: Callable[[str], None]) -> None:
    lines = []
    for name in dict.fromkeys(job.domain.name for job in jobs):
        own = [(job, intensities) for job, intensities in zip(jobs, seen, strict=True) if job.domain.name == name]
        channels = own[0][0].domain.channels
        strange = odd_ones_out(channels, [intensities for _, intensities in own], [job.split for job, _ in own])
        for (job, intensities), line in zip(own, strange, strict=True):
            rules = zip(channels, job.rules, intensities, strict=True)
            not_hu = [not_hounsfield(channel, each) for channel, rule, each in rules if rule.kind == "window"]
            lines += [f"{job.files.image}: {what}" for what in (line, *not_hu) if what]
    for line in lines[:UNUSUAL_SHOWN]:
        say(f"warning: {line}")
    if len(lines) > UNUSUAL_SHOWN:
        say(f"warning: so are {len(lines) - UNUSUAL_SHOWN} more")


def _finished(writers: Mapping[tuple[str, str], ArrayWriter], workers: int | None) -> dict[str, dict[str, FileRecord]]:
    """Close all arrays; their records by domain and name."""
    keys = list(writers)
    records = for_each(lambda key: writers[key].finish(), keys, workers=workers)
    files: dict[str, dict[str, FileRecord]] = {}
    for (domain, name), record in zip(keys, records, strict=True):
        files.setdefault(domain, {})[name] = record
    return files
