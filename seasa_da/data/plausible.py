"""A second line of defence: a volume whose intensities are not those of its domain (CT given as MR, HU not
rescaled)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from seasa_da.data.case import Intensities

FEWEST = 3
"""Volumes it takes to say what is usual."""
MARGIN = 0.5
"""How far beyond what was seen is still usual, in median widths (1st to 99th percentile) of the volumes seen."""
NARROWER = 1 / 4
"""How much narrower than any volume seen is still usual; one that is far wider lies outside what was seen, too."""
HU_TISSUE = 300.0
"""No median of a CT volume in HU lies above this."""


class UsualIntensities(BaseModel):
    """What a domain's training volumes look like, a channel an entry.

    Attributes:
        low, high: least and greatest of each `Intensities` seen.
        width: median distance from the 1st to the 99th percentile.
        narrowest: the least.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    channels: tuple[str, ...]
    low: tuple[Intensities, ...]
    high: tuple[Intensities, ...]
    width: tuple[float, ...]
    narrowest: tuple[float, ...]


def usual_intensities(channels: Sequence[str], cases: Sequence[Sequence[Intensities]]) -> UsualIntensities | None:
    """Summarise cases' intensities (a case, a channel, a percentile); `None` for fewer than `FEWEST` cases."""
    if len(cases) < FEWEST:
        return None
    seen = np.array(cases, dtype=np.float64)
    low, high = seen.min(axis=0), seen.max(axis=0)
    widths = seen[:, :, 2] - seen[:, :, 0]
    return UsualIntensities(
        channels=tuple(channels),
        low=low.tolist(),
        high=high.tolist(),
        width=np.median(widths, axis=0).tolist(),
        narrowest=widths.min(axis=0).tolist(),
    )


def odd_ones_out(
    channels: Sequence[str], cases: Sequence[Sequence[Intensities]], splits: Sequence[str]
) -> list[str | None]:
    """`unusual` of every case of a domain, compared with its training cases other than itself.

    Args:
        cases: intensities (a case, a channel, a percentile).
        splits: of each case.
    """
    seen = np.array(cases, dtype=np.float64).reshape(len(cases), len(channels), 3)
    training = np.array([split == "train" for split in splits])
    if np.count_nonzero(training) <= FEWEST:
        return [None] * len(cases)
    ranked = np.sort(seen[training], axis=0)
    widths = np.sort(seen[training, :, 2] - seen[training, :, 0], axis=0)
    found = []
    for own, trained in zip(seen, training, strict=True):
        # without itself: where it is the least or the greatest, the next one is
        low = np.where(trained & (own <= ranked[0]), ranked[1], ranked[0])
        high = np.where(trained & (own >= ranked[-1]), ranked[-2], ranked[-1])
        own_width = own[:, 2] - own[:, 0]
        usual = UsualIntensities(
            channels=tuple(channels),
            low=low.tolist(),
            high=high.tolist(),
            width=np.median(widths, axis=0).tolist(),
            narrowest=np.where(trained & (own_width <= widths[0]), widths[1], widths[0]).tolist(),
        )
        found.append(unusual(own.tolist(), usual))
    return found


def unusual(intensities: Sequence[Intensities], usual: UsualIntensities | None) -> str | None:
    """What is far outside the domain's volumes, in a line without the case's name; `None` if nothing is."""
    if usual is None:
        return None
    for number, (name, own) in enumerate(zip(usual.channels, intensities, strict=True)):
        low, high, width = usual.low[number], usual.high[number], usual.width[number]
        margin = MARGIN * width
        outside = any(
            value < least - margin or value > greatest + margin
            for value, least, greatest in zip(own, low, high, strict=True)
        )
        if outside or own[2] - own[0] < NARROWER * usual.narrowest[number]:
            return (
                f"{name}: intensities (1st, 50th, 99th percentile {own[0]:g}, {own[1]:g}, {own[2]:g}) are far outside "
                f"those of the domain's training volumes ({low[0]:g} to {high[0]:g}, {low[1]:g} to {high[1]:g}, "
                f"{low[2]:g} to {high[2]:g}); is it another modality, or not rescaled?"
            )
    return None


def not_hounsfield(channel: str, intensities: Intensities) -> str | None:
    """What says that a channel called CT is not in Hounsfield units; `None` if nothing does."""
    if channel.strip().lower() in ("ct", "cta") and intensities[0] >= 0 and intensities[1] > HU_TISSUE:
        return (
            f"{channel}: its values ({intensities[0]:g} to {intensities[2]:g}, median {intensities[1]:g}) are not "
            "Hounsfield units, in which air is -1000 and water 0; was its slope and intercept lost?"
        )
    return None
