"""How far apart two surfaces may lie and still agree."""

from __future__ import annotations

import math

from seasa_da.errors import UserError

TOLERANCE_MM = 2.0
"""Of the normalised surface Dice, unless another is asked for."""


def checked_tolerance(tolerance_mm: float) -> float:
    """The tolerance. Raises `UserError` unless it is a number of at least 0."""
    if not (math.isfinite(tolerance_mm) and tolerance_mm >= 0):
        raise UserError(f"the tolerance of the surface Dice is {tolerance_mm:g} mm; give a number of mm from 0 up")
    return tolerance_mm
