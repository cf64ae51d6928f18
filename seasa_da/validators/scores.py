"""Asking validators what they say of an observation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pytorch_adapt.validators import BaseValidator
from torch import Tensor


def scores_by(
    validators: Mapping[str, BaseValidator], data: Mapping[str, Mapping[str, Tensor]]
) -> dict[str, float | None]:
    """By name what each validator says of the splits that it requires.

    Returns:
        `None` for one whose splits were not observed, or whose score is no finite number.
    """
    found: dict[str, float | None] = {}
    for name, validator in validators.items():
        needs = validator.required_data
        value: Any = validator(**{split: data[split] for split in needs}) if data.keys() >= set(needs) else math.nan
        found[name] = float(value) if math.isfinite(value) else None
    return found
