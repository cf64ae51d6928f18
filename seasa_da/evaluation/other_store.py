"""Another store than a run's own, seen as the run sees its data."""

from __future__ import annotations

from seasa_da.config import DataSettings
from seasa_da.data.arrays import ScaledImages
from seasa_da.data.recipe import Recipe
from seasa_da.data.store import DomainInfo, SliceStore
from seasa_da.errors import UserError

SAID = {"spacing_mm": "pixels of {} mm", "slice_mm": "slices {} mm apart", "depth_mm": "a depth of {} mm"}
"""Settings of a store that may differ from the run's, and are then said."""


def fitting_images(store: SliceStore, recipe: Recipe, split: str) -> tuple[ScaledImages, tuple[str, ...]]:
    """A split of the run's target in a store, in the intensities that the run was trained on.

    Where the store was scaled by the same rule to another range of its own training volumes, the run's range is used.

    Returns:
        `(S, C, H, W)` in [-1, 1], and a line for the user for everything that differs.

    Raises:
        UserError: no such domain, no volume in the split, no class in common, or slices that the run cannot take: other
            channels, sizes, axes or intensity rules.
    """
    own, domain = recipe.domain(), store.domain(recipe.tgt)
    where, again = f"{recipe.tgt!r} of {store.path}", "prepare it again with"
    stored, size = store.stored_images(recipe.tgt, split), recipe.data.size
    if not domain.split_cases(split):
        raise UserError(f"{where} has no {split} volumes; choose the other --split")
    if domain.label_names and not set(domain.label_names) & set(recipe.class_names):
        raise UserError(
            f"{where} has labels {', '.join(domain.label_names)}, the run knows {', '.join(recipe.class_names)}: none "
            "in common; name the same structures alike"
        )
    if len(domain.channels) != len(own.channels):
        raise UserError(
            f"{where} has {len(domain.channels)} channels, the run {len(own.channels)} "
            f"({', '.join(channel.name for channel in own.channels)})"
        )
    if stored.shape[2:] != (size, size):
        raise UserError(f"{where} has slices of {stored.shape[2]}x{stored.shape[3]}; {again} --size {size}")
    if store.axis != recipe.axis and not _flat(domain):
        raise UserError(f"{where} has {store.axis} slices, the run {recipe.axis} ones; {again} --axis {recipe.axis}")
    notes = [
        f"{where} was prepared with {text.format(there)}, the run's data with {text.format(here)}"
        for name, text in SAID.items()
        if (there := _length(store.settings, name)) != (here := _length(recipe.data, name))
    ]
    for other, ours in zip(domain.channels, own.channels, strict=True):
        if other.rule != ours.rule:
            raise UserError(
                f"channel {other.name!r} of {where} was scaled by {other.rule}, the run's by {ours.rule}; {again} "
                f"--intensity {recipe.tgt}={ours.rule}"
            )
        if other.name != ours.name:
            notes.append(f"channel {other.name!r} of {where} is taken for the run's {ours.name!r}")
        if (other.lo, other.hi) != (ours.lo, ours.hi):
            notes.append(
                f"intensities of {other.name!r} are scaled by the run's range, {ours.lo:.4g} to {ours.hi:.4g}, not by "
                f"that of {where}, {other.lo:.4g} to {other.hi:.4g}"
            )
    images = ScaledImages(stored, [channel.lo for channel in own.channels], [channel.hi for channel in own.channels])
    return images, tuple(notes)


def _length(settings: DataSettings, name: str) -> str:
    value = getattr(settings, name)
    return f"{settings.spacing_mm if value is None else value:g}"


def _flat(domain: DomainInfo) -> bool:
    """Whether all volumes are images, whose plane no axis changes."""
    return all(case.original_shape.count(1) == 1 for case in domain.cases)
