"""Methods and add-ons by name. Nothing here imports torch: what a method is made of is loaded when it is run.

Third parties join without a fork: an entry point of group `seasa_da.methods` (or `seasa_da.addons`) that resolves to
a `MethodSpec` (or `AddonSpec`) of the same name; `examples/seasa-da-plugin` is one.
"""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from seasa_da.config import (
    AdversarySettings,
    ASASettings,
    ContrastSettings,
    CyCADASettings,
    EnergySettings,
    EntropySettings,
    FDASettings,
    PnPSettings,
    RunSettings,
    Section,
    SelfTrainingSettings,
    SESettings,
    SIFASettings,
    TranslationSettings,
    ViewSettings,
    compose,
    load_config_file,
)
from seasa_da.errors import UserError
from seasa_da.plugins import BrokenPlugin, plugins, why
from seasa_da.spec_checks import overlays_fault, sections_fault


@dataclass(frozen=True)
class MethodSpec:
    """What is known of a method before it is loaded.

    Attributes:
        name: as typed after `--method`.
        summary: one line.
        stages: `"module:function"`; the function takes the run's settings and returns its list of stages.
        sections: settings classes that it asks for, by section name.
        recipes: overlays of settings by recipe name, the default first.
        oracle: it trains on target labels; marked so wherever it shows.
        refuses_addons: why add-ons cannot join its last stage, or `None`.
        row: its name in the paper's Table 1, `None` for extras.
        bound: one of the two bounds: it has no reference run of its own.
        presets: overlays of its own sections by preset name; those of the built-in methods stand in `presets/`.
        segmenter: `"module:function"`, if a stage may put another segmenter in the place of the common one; the
            function takes the stage's context and does so there, where the settings say so. A run is loaded by it.
    """

    name: str
    summary: str
    stages: str
    sections: Mapping[str, type[Section]] = field(default_factory=dict)
    recipes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    oracle: bool = False
    refuses_addons: str | None = None
    row: str | None = None
    bound: bool = False
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    segmenter: str | None = None

    def load_stages(self) -> Callable[..., Any]:
        """The function that lists the method's stages; imports its module. Raises `UserError` if there is none."""
        return _resolve(self.stages, f"method {self.name!r}")

    def load_segmenter(self) -> Callable[..., Any] | None:
        """The function that replaces the segmenter, if it has one; imports its module. Raises `UserError`."""
        return None if self.segmenter is None else _resolve(self.segmenter, f"method {self.name!r}")


@dataclass(frozen=True)
class AddonSpec:
    """A hook that joins the last stage of another method.

    Attributes:
        name: as typed after `--add`.
        summary: one line.
        build: `"module:function"`; the function takes a `StageContext` and returns a hook for `post_g`.
        sections: settings classes that it asks for, by section name.
        presets: overlays of its own sections by preset name.
    """

    name: str
    summary: str
    build: str
    sections: Mapping[str, type[Section]] = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def load_build(self) -> Callable[..., Any]:
        """The function that builds the hook; imports its module. Raises `UserError` if there is none."""
        return _resolve(self.build, f"add-on {self.name!r}")


SE_SECTIONS: Mapping[str, type[Section]] = {"views": ViewSettings, "se": SESettings}
ASA_SECTIONS: Mapping[str, type[Section]] = {"views": ViewSettings, "asa": ASASettings}

OURS_RECIPES: Mapping[str, Mapping[str, Any]] = {
    # The text of the paper: the classes' defaults.
    "paper": {},
    # What the authors' released code does, minus its leaks (chosen on test labels, starts from target labels,
    # lost slices). The table of differences stands in the module of `ours`.
    "released-code": {
        "train": {"weight_decay": 5e-4},
        "adversary": {"input": "self-information"},
        "views": {"n": 5, "mu": 1.0, "brightness": 0.9, "contrast": 0.9, "blur_probability": 0.0},
        "se": {"gradient": "augmented", "vote_statistics": "batch"},
        "asa": {"weight": 1.0, "distance": "mse", "bank_mode": "released-code", "remove_unreliable": False},
    },
}

# What SIFA's first version has not: the second level; and what it has: the adversaries of the prediction join later.
SIFA_V1: Mapping[str, Mapping[str, Any]] = {
    "paper": {
        "loss": {"aux_weight": 0.0},
        "sifa": {
            "aux_feature_weight": 0.0,
            "feature_start": 0.25,
            "feature_ramp": 0.1,
            "native_lr": 1e-3,
            "native_dropout": 0.25,
        },
    }
}
# AdvEnt's discriminators see the self-information of the prediction; all else is AdaOutput.
SELF_INFORMATION: Mapping[str, Mapping[str, Any]] = {"paper": {"adversary": {"input": "self-information"}}}

# In the order of the paper's Table 1, which is that of the benchmark's rows; then the extras.
METHODS: Mapping[str, MethodSpec] = {
    spec.name: spec
    for spec in (
        MethodSpec(
            "supervised",
            "upper bound (oracle): the segmenter trained on the target's own labels",
            "seasa_da.baselines.bounds:supervised",
            oracle=True,
            refuses_addons="it is the upper bound, trained on the target's labels alone",
            row="Supervised training",
            bound=True,
        ),
        MethodSpec(
            "source-only",
            "lower bound: the segmenter trained on the source alone, no adaptation",
            "seasa_da.baselines.bounds:source_only",
            refuses_addons="it trains on source images only, and add-ons need target images",
            row="W/o adaptation",
            bound=True,
        ),
        MethodSpec(
            "pnp-adanet",
            "PnP-AdaNet: the target's own early layers against critics of features and masks (Dou et al., 2019)",
            "seasa_da.baselines.pnp_adanet:stages",
            {"pnp": PnPSettings},
            refuses_addons="its last stage trains the target's early layers alone, and source images pass others",
            row="PnP-AdaNet",
        ),
        MethodSpec(
            "adaoutput",
            "AdaptSegNet: multi-level adversary in the output space (Tsai et al., CVPR 2018)",
            "seasa_da.baselines.adaoutput:stages",
            {"adversary": AdversarySettings},
            row="AdaOutput",
        ),
        MethodSpec(
            "cyclegan",
            "CycleGAN translation, then a segmenter on translated source (Zhu et al., ICCV 2017)",
            "seasa_da.baselines.cyclegan:stages",
            {"translation": TranslationSettings},
            refuses_addons="its last stage trains on translated source images only, and add-ons need target images",
            row="CycleGAN",
        ),
        MethodSpec(
            "cycada",
            "CyCADA: semantically consistent translation, then a critic of the scores (Hoffman et al., ICML 2018)",
            "seasa_da.baselines.cycada:stages",
            {"translation": TranslationSettings, "cycada": CyCADASettings},
            row="CyCADA",
        ),
        MethodSpec(
            "sifa-v1",
            "SIFA: joint alignment of images and features, one level (Chen et al., AAAI 2019)",
            "seasa_da.baselines.sifa:stages",
            {"sifa": SIFASettings},
            SIFA_V1,
            row="SIFA V1",
            segmenter="seasa_da.adapters.sifa:choose_segmenter",
        ),
        MethodSpec(
            "sifa-v2",
            "SIFA with deep supervision, two levels (Chen et al., TMI 2020)",
            "seasa_da.baselines.sifa:stages",
            {"sifa": SIFASettings},
            row="SIFA V2",
            segmenter="seasa_da.adapters.sifa:choose_segmenter",
        ),
        MethodSpec(
            "ebm",
            "energy-constrained self-training (Liu et al., 2021; a re-implementation, unverified)",
            "seasa_da.baselines.ebm:stages",
            {"adversary": AdversarySettings, "self_training": SelfTrainingSettings, "energy": EnergySettings},
            row="EBM",
        ),
        MethodSpec(
            "crst",
            "class-balanced self-training with confidence regularisation (Zou et al., ICCV 2019)",
            "seasa_da.baselines.crst:stages",
            {"adversary": AdversarySettings, "self_training": SelfTrainingSettings},
            row="CRST",
        ),
        MethodSpec(
            "ours",
            "SE + ASA on the output adversary (the AAAI-23 paper), recipes paper and released-code",
            "seasa_da.adapters.seasa:stages",
            {"adversary": AdversarySettings, **SE_SECTIONS, **ASA_SECTIONS},
            OURS_RECIPES,
            refuses_addons="se and asa are part of it already; compose them with another method",
            row="Ours",
        ),
        MethodSpec(
            "advent",
            "AdvEnt: the output adversary on the prediction's self-information (Vu et al., CVPR 2019)",
            "seasa_da.baselines.advent:stages",
            {"adversary": AdversarySettings},
            SELF_INFORMATION,
        ),
        MethodSpec(
            "minent",
            "MinEnt: direct entropy minimisation on the target (Vu et al., CVPR 2019)",
            "seasa_da.baselines.minent:stages",
            {"entropy": EntropySettings},
        ),
        MethodSpec(
            "mpscl",
            "MPSCL: margin-preserving self-paced contrastive learning on AdvEnt (Liu et al., JBHI 2022)",
            "seasa_da.baselines.mpscl:stages",
            {"adversary": AdversarySettings, "contrast": ContrastSettings},
            SELF_INFORMATION,
        ),
        MethodSpec(
            "fda",
            "FDA: source images with the target's low frequencies (Yang and Soatto, CVPR 2020)",
            "seasa_da.baselines.fda:stages",
            {"fda": FDASettings},
        ),
    )
}

ADDONS: Mapping[str, AddonSpec] = {
    spec.name: spec
    for spec in (
        AddonSpec("se", "selective entropy constraints (eq. 6)", "seasa_da.adapters.addons:se", SE_SECTIONS),
        AddonSpec("asa", "adaptive semantic alignment (eq. 7-10)", "seasa_da.adapters.addons:asa", ASA_SECTIONS),
    )
}


def find_method(name: str) -> MethodSpec:
    """A method by name. Raises `UserError` with the nearest name."""
    return _find(name, METHODS, method_plugins, "method")


def find_addon(name: str) -> AddonSpec:
    """An add-on by name. Raises `UserError` with the nearest name."""
    return _find(name, ADDONS, addon_plugins, "add-on")


def method_plugins() -> tuple[dict[str, MethodSpec], list[BrokenPlugin]]:
    """Third parties' methods by name, and those that are not usable."""
    return plugins("seasa_da.methods", MethodSpec, partial(_fault, builtin=METHODS))


def addon_plugins() -> tuple[dict[str, AddonSpec], list[BrokenPlugin]]:
    """Third parties' add-ons by name, and those that are not usable."""
    return plugins("seasa_da.addons", AddonSpec, partial(_fault, builtin=ADDONS))


def sections_of(spec: MethodSpec, addons: Iterable[AddonSpec]) -> dict[str, type[Section]]:
    """The settings classes that a method and its add-ons ask for, by section name.

    Raises:
        UserError: two of them call different classes the same, which only third parties' can.
    """
    sections = dict(spec.sections)
    for addon in addons:
        for name, cls in addon.sections.items():
            if sections.setdefault(name, cls) is not cls:
                raise UserError(f"add-on {addon.name!r} does not go with {spec.name}: both have settings {name!r}")
    return sections


def compose_run(
    method: str,
    addons: Sequence[str] = (),
    *,
    src: str | None = None,
    tgt: str | None = None,
    seed: int | None = None,
    preset: str | None = None,
    fallback_preset: str = "quick",
    weights: str | Path | None = None,
    config: str | Path | None = None,
    overrides: Iterable[str] = (),
) -> tuple[MethodSpec, RunSettings]:
    """Find a method and lay its settings over each other; see `seasa_da.training.run.train` for the arguments.

    What is not given is taken from the `config` file (a run's `config.yaml`, say) and then from the defaults;
    `fallback_preset` is that of the preset.

    Raises:
        UserError: an unknown name, a value that does not fit, or add-ons that the method refuses.
    """
    file = load_config_file(Path(config)) if config else {}
    addons = tuple(addons) or _names(file.get("addons"), config)
    spec, addon_specs = find_method(method), [find_addon(name) for name in addons]
    if addon_specs and spec.refuses_addons:
        raise UserError(f"--add {addons[0]} does not go with {method}: {spec.refuses_addons}")
    top = {
        "method": method,
        "addons": addons,
        "src": src,
        "tgt": tgt,
        "seed": seed,
        "preset": preset or file.get("preset") or fallback_preset,
        "weights": str(Path(weights).resolve()) if weights else None,
    }
    settings = compose(
        top,
        sections_of(spec, addon_specs),
        recipes=spec.recipes,
        presets=[spec.presets, *(addon.presets for addon in addon_specs)],
        config_file=Path(config) if config else None,
        overrides=overrides,
    )
    return spec, settings


def _names(content: Any, config: str | Path | None) -> tuple[str, ...]:
    if content is None:
        return ()
    if not isinstance(content, list) or not all(isinstance(name, str) for name in content):
        raise UserError(f"{config}: addons must be a list of names, such as [se, asa]")
    return tuple(content)


def _find(name: str, builtin: Mapping[str, Any], join: Callable[[], Any], word: str) -> Any:
    if name in builtin:
        return builtin[name]
    others, broken = join()
    if name in others:
        return others[name]
    for plugin in broken:
        if plugin.name == name:
            raise UserError(f"{word} {name!r} is a plug-in that is not usable: {plugin.reason}")
    names = [*builtin, *others]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UserError(f"unknown {word} {name!r}{hint} (`seasa-da methods` lists: {', '.join(names)})")


def _fault(name: str, spec: MethodSpec | AddonSpec, builtin: Mapping[str, Any]) -> str | None:
    """Why a third party's spec is not usable; `None` if it is."""
    if name in builtin:
        return "what is built in is called so already; choose another name"
    if spec.name != name:
        return f"its spec is called {spec.name!r}; give spec and entry point the same name"
    if not isinstance(spec.summary, str) or len(spec.summary.splitlines()) != 1:
        return "its summary must be one line"
    target = spec.stages if isinstance(spec, MethodSpec) else spec.build
    if not re.fullmatch(r"[\w.]+:[\w.]+", target):
        return f"{target!r} is not of the form 'module:function'"
    built_in: dict[str, type[Section]] = {}
    for sections in (*(one.sections for one in METHODS.values()), *(one.sections for one in ADDONS.values())):
        built_in.update(sections)
    recipes = spec.recipes if isinstance(spec, MethodSpec) else {}
    return sections_fault(spec.sections, built_in) or overlays_fault(spec.sections, recipes, spec.presets)


def _resolve(target: str, owner: str) -> Callable[..., Any]:
    module, _, attribute = target.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:  # a stranger's module may fail in any way
        raise UserError(f"{owner} does not load from {target}: {why(error)}") from error
    if not callable(found):
        raise UserError(f"{owner} does not load: {target} is no function")
    return found
