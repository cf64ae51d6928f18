"""What settings of third parties' methods and add-ons must keep to, found before any of them is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from seasa_da.config import OWN_OPTIONS, PRESETS, RunSettings, Section, settings_model, validated
from seasa_da.errors import UserError

_THE_SAME_FOR_ALL = OWN_OPTIONS | {"recipe", "data", "phantom", "model", "augment"}
_THE_SAME_IN_TRAIN = frozenset({"iterations", "batch_size"})


def sections_fault(sections: Mapping[str, Any], taken: Mapping[str, type[Section]]) -> str | None:
    """Why settings classes, by section name, cannot join a run's settings, in one line; `None` if they can.

    Args:
        sections: of the spec.
        taken: the built-in sections, which presets speak of: to be shared, but not to be given another meaning.
    """
    for name, cls in sections.items():
        if not (isinstance(cls, type) and issubclass(cls, Section)):
            return f"its section {name!r} is no class of seasa_da.config.Section"
        if name in RunSettings.model_fields:
            return f"its section {name!r} is one that every run has; choose another name"
        if not name.isidentifier() or name.startswith("_") or name == "recipes" or hasattr(RunSettings, name):
            return f"its section cannot be called {name!r}; choose another name, of letters, digits and _"
        if taken.get(name, cls) is not cls:
            theirs = f"{taken[name].__module__}.{taken[name].__name__}"
            return f"its section {name!r} is another's already; take {theirs}, or choose another name"
        try:
            cls()
        except Exception as error:
            return f"its section {name!r} must have defaults that fit: {' '.join(str(error).split())}"
    return None


def overlays_fault(
    sections: Mapping[str, type[Section]],
    recipes: Mapping[str, Mapping[str, Any]],
    presets: Mapping[str, Mapping[str, Any]],
) -> str | None:
    """Why a spec's recipes or presets do not fit its sections, in one line; `None` if they do."""
    for name, overlay in presets.items():
        if name not in PRESETS:
            return f"it has a preset {name!r}; the presets are {', '.join(PRESETS)}"
        if others := overlay.keys() - sections.keys():
            # What all methods have in common must be the same for all, or their numbers cannot be compared.
            return f"its preset {name!r} has {_listed(others)}; it may have the spec's own sections alone"
    for name, overlay in recipes.items():
        # As with presets; but a recipe is how its authors trained, so the optimiser and the loss may be its own.
        train = overlay.get("train")
        inside = (
            {f"train.{leaf}" for leaf in train.keys() & _THE_SAME_IN_TRAIN} if isinstance(train, Mapping) else set()
        )
        if others := (overlay.keys() & _THE_SAME_FOR_ALL) | inside:
            return f"its recipe {name!r} has {_listed(others)}, which must be the same for all methods; leave that out"
    for word, overlays in (("recipe", recipes), ("preset", presets)):
        for name, overlay in overlays.items():
            try:
                validated(settings_model(sections), {"method": "theirs", **overlay})
            except UserError as error:
                return f"its {word} {name!r} does not fit: {error}"
    return None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
