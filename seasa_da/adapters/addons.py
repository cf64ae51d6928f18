"""SE and ASA as add-ons: hooks built from settings, for the last stage of any method that sees target images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytorch_adapt.hooks.base import BaseHook

from seasa_da.adapters.stage import Stage, StageContext
from seasa_da.adapters.stage_adapter import StageAdapter
from seasa_da.config import ASASettings, RunSettings, SESettings
from seasa_da.hooks import ScheduledWeight, SelectiveEntropyHook, SemanticAlignmentHook
from seasa_da.registry import find_addon


def se(context: StageContext) -> SelectiveEntropyHook:
    """Selective entropy constraints from the sections `se` and `views`."""
    settings: SESettings = context.settings.section("se")
    return SelectiveEntropyHook(
        ScheduledWeight(settings.weight, settings.start, settings.ramp),
        views=context.settings.section("views"),
        minimise=settings.minimise,
        maximise=settings.maximise,
        gradient=settings.gradient,
        vote_statistics=settings.vote_statistics,
    )


def asa(context: StageContext) -> SemanticAlignmentHook:
    """Adaptive semantic alignment from the sections `asa` and `views`."""
    settings: ASASettings = context.settings.section("asa")
    with_se = "se" in type(context.settings).model_fields
    return SemanticAlignmentHook(
        context.num_classes,
        context.feature_dim,
        ScheduledWeight(settings.weight, settings.start, settings.ramp),
        alpha=settings.alpha,
        remove_unreliable=settings.remove_unreliable,
        distance=settings.distance,
        bank_mode=settings.bank_mode,
        views=context.settings.section("views"),
        # As SE votes, where both are in the run: ASA votes itself only while SE has not started.
        vote_statistics=context.settings.section("se").vote_statistics if with_se else "running",
    )


def build_addons(context: StageContext) -> list[BaseHook]:
    """The hooks of the run's `--add` options, in their order."""
    return [find_addon(name).load_build()(context) for name in context.settings.addons]


Build = Callable[[StageContext, Sequence[BaseHook]], StageAdapter]


@dataclass(frozen=True)
class WithAddons:
    """Builds an adapter of a context and the hooks of the run's add-ons."""

    build: Build

    def __call__(self, context: StageContext) -> StageAdapter:
        return self.build(context, build_addons(context))


def adaptation_stage(settings: RunSettings, build: Build, iterations: int | None = None) -> Stage:
    """The stage `adapt`, on both domains, which the run's add-ons join; by default it has the whole budget."""
    updates = settings.train.iterations if iterations is None else iterations
    return Stage("adapt", updates, WithAddons(build), target=True, fourier_sources=fourier_sources(settings))


def fourier_sources(settings: RunSettings) -> int:
    """Source images a target image that the run's Fourier views want; 0 where nothing votes."""
    return settings.section("views").n if "views" in type(settings).model_fields else 0
