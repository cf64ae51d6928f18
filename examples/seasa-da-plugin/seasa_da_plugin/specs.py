"""Registration: what seasa-da knows before anything is trained. Nothing here imports torch, so `--help` stays quick."""

from __future__ import annotations

from pydantic import Field

from seasa_da.config import Section
from seasa_da.registry import AddonSpec, MethodSpec


class CoralSettings(Section):
    """Deep CORAL."""

    weight: float = Field(1.0, ge=0, description="of the distance (paper: so that both losses end alike)")


class TotalVariationSettings(Section):
    """Smooth predictions on the target."""

    weight: float = Field(0.1, ge=0, description="of the total variation")
    start: float = Field(0.0, ge=0, le=1, description="share of the stage after which it starts")


CORAL = MethodSpec(
    "coral",
    "Deep CORAL: the same covariance of conv5 features in both domains (Sun and Saenko, 2016)",
    "seasa_da_plugin.coral:stages",
    {"coral": CoralSettings},
    # Of its own sections alone: what all methods have in common stays as the preset says.
    presets={"smoke": {"coral": {"weight": 10.0}}},
)

TV = AddonSpec(
    "tv",
    "total variation of the target's predicted probabilities",
    "seasa_da_plugin.coral:total_variation",
    {"tv": TotalVariationSettings},
)
