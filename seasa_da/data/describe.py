"""What a store's manifest says of a domain."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seasa_da.config import DataSettings
from seasa_da.data.arrays import FileRecord
from seasa_da.data.case import Intensities
from seasa_da.data.intensity import IntensityHistogram, Rule
from seasa_da.data.plan import Plan
from seasa_da.data.readers import RawDomain
from seasa_da.data.store import Affine, CaseRecord, ChannelRecord, DomainManifest
from seasa_da.errors import UserError


class TrainingRanges:
    """The intensities of all training voxels, by domain and channel; threads add to it in any order."""

    def __init__(self) -> None:
        self._histograms: dict[tuple[str, int], IntensityHistogram] = {}
        self._lock = threading.Lock()

    def add(self, domain: str, channel: int, values: NDArray[np.float32]) -> None:
        """Count scaled values, of any shape."""
        own = IntensityHistogram()
        own.add(values)
        with self._lock:
            self._histograms.setdefault((domain, channel), IntensityHistogram()).merge(own)

    def range_of(self, domain: str, channel: int, rule: Rule, settings: DataSettings) -> tuple[float, float]:
        """The scaled values that become -1 and 1, by the rule or by what was added.

        Raises:
            UserError: both are one value.
        """
        if rule.fixed_range is not None:
            return rule.fixed_range
        histogram = self._histograms[domain, channel]
        lo, hi = (histogram.percentile(percent) for percent in settings.range_percentiles)
        if not hi > lo:
            raise UserError(
                f"range_percentiles {settings.range_percentiles} of domain {domain} are one value; set them wider"
            )
        return lo, hi


def describe_domain(
    domain: RawDomain,
    plan: Plan,
    intensities: Sequence[tuple[Intensities, ...]],
    ranges: TrainingRanges,
    contents: Mapping[tuple[str, str], str],
    files: dict[str, FileRecord],
    settings: DataSettings,
) -> DomainManifest:
    """A domain's part of the manifest.

    Args:
        intensities: of each of the plan's jobs.
        contents: the hash of the voxels by (domain, case).
        files: of the domain, by name.
    """
    rules = plan.rules[domain.name]
    channels = []
    for number, (name, rule) in enumerate(zip(domain.channels, rules, strict=True)):
        lo, hi = ranges.range_of(domain.name, number, rule, settings)
        channels.append(ChannelRecord(name, str(rule), lo, hi))
    cases = [
        CaseRecord(
            id=job.files.id,
            split=job.split,
            start=job.start,
            stop=job.stop,
            spacing_mm=job.grid.spacing_mm,
            original_shape=job.original.shape,
            original_affine=_rows(job.original.affine),
            affine=_rows(job.grid.affine),
            sources=job.sources,
            content=contents[domain.name, job.files.id],
            intensities=seen,
        )
        for job, seen in zip(plan.jobs, intensities, strict=True)
        if job.domain is domain
    ]
    return DomainManifest(
        label_names=domain.label_names,
        label_values=domain.label_values,
        ignored_values=domain.ignored_values,
        channels=tuple(channels),
        split_from=domain.split_from,
        cases=tuple(cases),
        files=files,
    )


def _rows(affine: NDArray[np.float64]) -> Affine:
    return tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in affine)
