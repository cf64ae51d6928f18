"""From a volume's own intensities to [-1, 1]: one rule a channel, measured on the voxels of the training crop that lie
in the field of view; none of it sees a label.

- `zscore:CUT` (the published preprocessing of MM-WHS): the top CUT percent is cut (clipped to that percentile), then
  mean 0 and variance 1 a volume; percentiles of the domain's *training* voxels become -1 and 1.
- `window:LO,HI`: fixed values become -1 and 1, such as Hounsfield units of CT.
- `percentiles:LO,HI`: these percentiles of each volume become -1 and 1, for scanners without a unit, such as MR.

What lies beyond is clipped. Voxels outside the field of view get the volume's minimum.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seasa_da.config import DataSettings
from seasa_da.errors import UserError

DEFAULTS = {"window": (-200.0, 500.0), "percentiles": (0.5, 99.5)}
BY_MODALITY = {"ct": "window", "cta": "window", "mr": "percentiles", "mri": "percentiles", "mra": "percentiles"}
"""The rule of a channel by the first word of its name; of any other it is `zscore`."""

FORM = "zscore, zscore:CUT, window, window:LO,HI, percentiles or percentiles:LO,HI"


@dataclass(frozen=True)
class Rule:
    """An intensity rule; `str(rule)` is parsed to the same rule again.

    Attributes:
        kind: which one.
        low, high: of the window, or percentiles; of `zscore` `high` is the percentile at which is cut.
    """

    kind: Literal["zscore", "window", "percentiles"]
    low: float
    high: float

    def __str__(self) -> str:
        if self.kind == "zscore":
            return f"zscore:{_number(100 - self.high, lambda cut: 100 - cut)}"
        return f"{self.kind}:{_number(self.low)},{_number(self.high)}"

    @property
    def fixed_range(self) -> tuple[float, float] | None:
        """The scaled values that become -1 and 1; `None` where the domain's training voxels say."""
        return {"zscore": None, "window": (self.low, self.high), "percentiles": (-1.0, 1.0)}[self.kind]

    def measure(self, values: NDArray[np.float32]) -> Scaling:
        """How a volume is scaled.

        Args:
            values: (n,) its voxels in the field of view; they are changed.

        Raises:
            ValueError: one value everywhere that the rule looks at, so that there is nothing to see; says which.
        """
        fill = np.float32(values.min())
        if self.kind == "zscore":
            top = np.float32(np.percentile(values, self.high))
            np.minimum(values, top, out=values)
            mean, deviation = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
            # of the values, not of 1: an ADC map in m²/s has values of 1e-9
            if not deviation > 1e-6 * max(abs(float(fill)), abs(float(top))):
                raise ValueError(f"has the same value everywhere ({mean:g})")
            return Scaling(np.float32(-np.inf), top, fill, np.float32(mean), np.float32(deviation))
        if self.kind == "window":
            low, high = np.float32(self.low), np.float32(self.high)
            if values.max() <= low or fill >= high:
                raise ValueError(
                    f"has values from {fill:g} to {values.max():g}, all on one side of the window {self.low:g} to "
                    f"{self.high:g}"
                )
            return Scaling(low, high, fill, np.float32(0), np.float32(1))
        low, high = (np.float32(percent) for percent in np.percentile(values, [self.low, self.high]))
        if not high > low:
            raise ValueError(f"has the same value ({low:g}) from its percentile {self.low:g} to {self.high:g}")
        return Scaling(low, high, fill, (low + high) / 2, (high - low) / 2)


@dataclass(frozen=True)
class Scaling:
    """x becomes (min(max(x, low), high) - shift) / scale; voxels outside the field of view are taken to be `fill`."""

    low: np.float32
    high: np.float32
    fill: np.float32
    shift: np.float32
    scale: np.float32

    def apply(self, images: NDArray[np.float32], inside: NDArray[np.bool_]) -> None:
        """Scale images (S, H, W) in place.

        Args:
            inside: (S, H, W), the field of view.
        """
        images[~inside] = self.fill
        np.minimum(images, self.high, out=images)
        if np.isfinite(self.low):
            np.maximum(images, self.low, out=images)
        images -= self.shift
        images /= self.scale


def _number(value: float, meaning: Callable[[float], float] = float) -> str:
    """A number in as few digits as mean the same, so that no two rules have one text."""
    short = f"{value:g}"
    return short if meaning(float(short)) == meaning(value) else repr(value)


def parse_rule(text: str, cut_percent: float = 2.0) -> Rule:
    """A rule from its text.

    Args:
        cut_percent: of a `zscore` that names none.

    Raises:
        UserError: not of the form, with the form.
    """
    kind, colon, numbers = text.strip().partition(":")
    wrong = UserError(f"intensity rule {text!r} is not of the form {FORM}")
    if kind not in ("zscore", "window", "percentiles"):
        raise wrong
    try:
        values = [float(number) for number in re.split(r"\s*,\s*", numbers.strip())] if colon else []
    except ValueError:
        raise wrong from None
    if not all(np.isfinite(values)):
        raise wrong
    if kind == "zscore":
        cut = values[0] if values else cut_percent
        if len(values) > 1 or not 0 <= cut < 50:
            raise UserError(f"intensity rule {text!r}: cut between 0 and 50 percent, such as zscore:2")
        return Rule("zscore", 0.0, 100.0 - cut)
    low, high = values if len(values) == 2 else DEFAULTS[kind]
    if len(values) not in (0, 2):
        raise wrong
    if not low < high or (kind == "percentiles" and not 0 <= low < high <= 100):
        raise UserError(f"intensity rule {text!r}: the lower value comes first, percentiles lie from 0 to 100")
    return Rule("window" if kind == "window" else "percentiles", low, high)


def choose_rules(
    domain: str, channels: tuple[str, ...], published: str | None, settings: DataSettings
) -> tuple[Rule, ...]:
    """The rule of each channel of a domain: the one that the settings name, the published one, or by modality.

    Raises:
        UserError: a rule that is not of the form.
    """
    asked = settings.intensity
    text = asked.get(domain, "auto") if isinstance(asked, Mapping) else asked
    if text == "auto" and published:
        text = published
    if text != "auto":
        return tuple(parse_rule(text, settings.histogram_cut_percent) for _ in channels)
    names = [re.split(r"[^a-z]", name.strip().lower())[0] for name in channels]
    return tuple(parse_rule(BY_MODALITY.get(name, "zscore"), settings.histogram_cut_percent) for name in names)


def check_rule_domains(settings: DataSettings, domains: tuple[str, ...]) -> None:
    """Raise `UserError` when the settings name a rule for a domain that is not there."""
    if isinstance(settings.intensity, Mapping):
        for name in settings.intensity:
            if name not in domains:
                raise UserError(
                    f"there is no domain {name!r}, which data.intensity has a rule for; the domains here are "
                    f"{', '.join(domains)}"
                )


def to_range(
    images: NDArray[np.float32],
    lo: float | NDArray[np.float64],
    hi: float | NDArray[np.float64],
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """2(x - lo)/(hi - lo) - 1, clipped to [-1, 1]; any shape, to which `lo` and `hi` broadcast; into `out` if given."""
    scaled = np.subtract(images, np.float32(lo), out=out)
    scaled *= np.float32(2 / (hi - lo))  # in place: fresh memory costs more than the arithmetic
    scaled -= np.float32(1)
    return np.clip(scaled, np.float32(-1), np.float32(1), out=scaled)


class IntensityHistogram:
    """Counts of standardised intensities: percentiles of a whole domain without keeping its voxels.

    Bins are 1/4096 of a standard deviation wide over ±64; counts are whole numbers, so the order of adding is
    immaterial.
    """

    REACH = 64
    BINS_PER_UNIT = 4096

    def __init__(self) -> None:
        self.counts = np.zeros(2 * self.REACH * self.BINS_PER_UNIT, dtype=np.int64)

    def add(self, values: NDArray[np.float32]) -> None:
        """Count the values, of any shape."""
        bins = (values.reshape(-1) + np.float32(self.REACH)) * np.float32(self.BINS_PER_UNIT)
        bins = np.clip(bins, 0, len(self.counts) - 1).astype(np.int32)
        self.counts += np.bincount(bins, minlength=len(self.counts))

    def merge(self, other: IntensityHistogram) -> None:
        """Add another histogram's counts."""
        self.counts += other.counts

    def percentile(self, percent: float) -> float:
        """The value below which `percent` of the counted values lie, to half a bin."""
        cumulative = np.cumsum(self.counts)
        place = np.searchsorted(cumulative, percent / 100 * cumulative[-1])
        return float((min(int(place), len(self.counts) - 1) + 0.5) / self.BINS_PER_UNIT - self.REACH)
