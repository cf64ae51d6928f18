"""What `prepare` is going to do: which slices, which rules, and where each case's slices go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from seasa_da.config import DataSettings
from seasa_da.data.case import SPLITS, Axis, CaseFiles, Split
from seasa_da.data.intensity import Rule, choose_rules
from seasa_da.data.readers import RawDomain, VolumeGrid
from seasa_da.data.reuse import OlderStore
from seasa_da.data.slice_grid import SliceGrid, coarsest_axis, extended_grid, slice_grid
from seasa_da.data.store import CaseRecord


class Found(NamedTuple):
    """A case of the raw folder."""

    domain: RawDomain
    files: CaseFiles
    original: VolumeGrid
    sources: dict[str, str]


@dataclass(frozen=True, eq=False)
class Job:
    """One case: where it comes from, and where its slices go."""

    domain: RawDomain
    files: CaseFiles
    split: Split
    original: VolumeGrid
    sources: dict[str, str]
    rules: tuple[Rule, ...]
    grid: SliceGrid
    start: int
    """Its first slice in its split's arrays."""
    older: tuple[OlderStore, CaseRecord] | None
    """Who has its slices already."""

    @property
    def stop(self) -> int:
        return self.start + self.grid.shape[0]


@dataclass(frozen=True, eq=False)
class Plan:
    """All jobs, in the order of domains and cases, and the number of slices of each domain's splits."""

    axis: Axis
    rules: dict[str, tuple[Rule, ...]]
    jobs: list[Job]
    slices: dict[tuple[str, Split], int]


def make_plan(
    domains: Sequence[RawDomain],
    found: Sequence[Found],
    settings: DataSettings,
    older: Sequence[OlderStore],
    say: Callable[[str], None],
) -> Plan:
    """Decide, and say what was decided.

    Args:
        found: the cases that are used, by domain and in order.
        older: stores whose cases may be taken over.

    Raises:
        UserError: an intensity rule that is not of the form.
    """
    axis = _choose_axis(domains, found, settings, say)
    rules = {}
    for domain in domains:
        rules[domain.name] = choose_rules(domain.name, domain.channels, domain.intensity, settings)
        own = ", ".join(f"{name} {rule}" for name, rule in zip(domain.channels, rules[domain.name], strict=True))
        counts = " and ".join(f"{len(domain.split_cases(split))} {split}" for split in SPLITS)
        say(f"{domain.name}: {counts} cases by {domain.split_from or 'its folders'}; intensities: {own}")
    jobs = []
    slices: dict[tuple[str, Split], int] = {(domain.name, split): 0 for domain in domains for split in SPLITS}
    for domain, files, original, sources in found:
        if files.split is None:
            raise ValueError(f"case {files.id} is not used")
        grid = slice_grid(original.shape, original.affine, settings, axis)
        place = domain.name, files.split
        holder = next(
            (
                (store, case)
                for store in older
                if (case := store.of_same_files(domain, files, sources))
                and store.has_same_slices(domain.name, rules[domain.name], settings, axis)
            ),
            None,
        )
        rule = rules[domain.name]
        jobs.append(Job(domain, files, files.split, original, sources, rule, grid, slices[place], holder))
        slices[place] += grid.shape[0]
    for domain in domains:
        _say_cropped(domain.name, [job for job in jobs if job.domain is domain], settings, axis, say)
    return Plan(axis, rules, jobs, slices)


def _choose_axis(
    domains: Sequence[RawDomain], found: Sequence[Found], settings: DataSettings, say: Callable[[str], None]
) -> Axis:
    if all(case.original.shape.count(1) == 1 for case in found):  # images have one plane, whatever the axis
        say = _say_nothing
    if settings.axis != "auto":
        say(f"slices: {settings.axis}")
        return settings.axis
    published = {domain.axis for domain in domains}
    axis = next(iter(published), None)
    if len(published) == 1 and axis is not None:
        say(f"slices: {axis}, as this data is published with; data.axis or --axis changes it")
        return axis
    # of the training volumes alone: which others are tested may depend on labels
    training = [case for case in found if case.files.split == "train"]
    axis, why = coarsest_axis(
        [[(case.original.shape, case.original.affine) for case in training if case.domain is own] for own in domains]
    )
    say(f"slices: {axis} ({why}); data.axis or --axis changes it")
    return axis


def _say_nothing(line: str) -> None:
    pass


def _say_cropped(
    name: str, jobs: Sequence[Job], settings: DataSettings, axis: Axis, say: Callable[[str], None]
) -> None:
    """Tell of volumes that reach beyond the crop by more than rounding."""
    larger = deeper = 0
    endless = settings.model_copy(update={"depth_mm": float("inf")})
    for job in jobs:
        whole, _ = extended_grid(job.original.shape, job.original.affine, endless, axis)
        larger += max(whole.shape[1:]) > 1.02 * settings.size
        deeper += whole.shape[0] > 1.02 * job.grid.shape[0]
    if larger:
        side = f"{settings.size * settings.spacing_mm:g}"
        say(
            f"{name}: {larger} of {len(jobs)} volumes are larger than the slices, {side} x {side} mm about the centre; "
            "the rest of them is not trained on (data.size, data.spacing_mm)"
        )
    if deeper:
        say(
            f"{name}: {deeper} of {len(jobs)} volumes are deeper than the {settings.depth_mm:g} mm about the centre "
            "that are kept; their other slices are neither trained on nor segmented (data.depth_mm)"
        )
