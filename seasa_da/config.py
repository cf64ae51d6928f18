"""Typed, validated settings of a run, and how presets, recipes, files and `--set` are laid over each other.

Order, later wins: the classes' defaults (the paper's numbers) < the method's recipe < the preset < the preset's part
for that recipe < what third parties bring for that preset < the `--config` file < `--set`. Nothing here imports torch,
so a wrong setting is refused at once.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
)

from seasa_da.errors import UserError

PRESETS = ("smoke", "quick", "paper")
OWN_OPTIONS = frozenset({"method", "addons", "src", "tgt", "seed", "preset", "weights"})
"""Fields of a run that are given as options of their own and not with `--set`."""


class Section(BaseModel):
    """A group of settings: unknown names are refused, values cannot change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)


class RawSettings(Section):
    """Which files of a raw folder are read, as what, and how its cases are divided."""

    format: str = Field("auto", description="a reader's name (`seasa-da methods`), or auto: by looking at the folder")
    splits: str | None = Field(None, description="file that names test cases [default: splits.json in the folder]")
    test_fraction: float | None = Field(
        None, gt=0, lt=1, description="share of each domain's training cases that is for testing instead"
    )
    exclude: tuple[str, ...] = Field((), description="cases left out: CASE, or DOMAIN/CASE")
    assume_mm: bool = Field(False, description="files that name no unit are in mm")

    @field_validator("exclude", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        """MM-WHS's cases are numbers to YAML; a single one needs no list."""
        listed = value if isinstance(value, list | tuple) else (value,)
        return tuple(str(case) if type(case) is int else case for case in listed)


class DataSettings(Section):
    """From raw volumes to slices; none of it looks at labels."""

    size: int = Field(256, ge=16, le=2048, description="height and width of a slice, pixels")
    spacing_mm: float = Field(1.0, gt=0, description="pixel size after resampling, mm")
    slice_mm: float | None = Field(None, gt=0, description="distance between slices, mm [default: spacing_mm]")
    axis: Literal["auto", "axial", "coronal", "sagittal"] = Field(
        "auto", description="which slices; auto: those the data is published with, else across the coarsest voxels"
    )
    intensity: str | dict[str, str] = Field(
        "auto",
        description="rule: auto, zscore, window[:LO,HI] or percentiles[:LO,HI]; one for all, or by domain",
    )
    depth_mm: float = Field(256.0, gt=0, description="extent kept across the slices, around the volume's centre, mm")
    histogram_cut_percent: float = Field(2.0, ge=0, lt=50, description="brightest share of a volume's voxels cut off")
    range_percentiles: tuple[float, float] = Field(
        (0.1, 99.9), description="percentiles of the domain's training voxels that become -1 and 1"
    )

    @field_validator("range_percentiles")
    @classmethod
    def _rising(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= value[0] < value[1] <= 100:
            raise ValueError("two percentiles from 0 to 100, the lower first")
        return value


class PhantomSettings(Section):
    """The built-in thorax, used when no data are given."""

    train_cases: int = Field(16, ge=1, description="training volumes a modality")
    test_cases: int = Field(12, ge=1, description="test volumes a modality")
    voxel_mm: float = Field(2.5, gt=0, description="mean voxel size of the volumes written, mm")
    seed: int = Field(2023, ge=0, description="seed of the anatomies")
    development: bool = Field(False, description="other anatomies, the only ones on which settings may be chosen")


class ModelSettings(Section):
    """DeepLabV2 on a timm ResNet trunk."""

    backbone: str = Field("resnet101", description="name of a timm ResNet")
    stem_pool: Literal["ceil", "floor", "none"] = Field(
        "ceil", description="max-pool of the stem: ceil-mode as in DeepLabV2, timm's own, or none (stride 4 in all)"
    )
    head_dilations: tuple[PositiveInt, ...] = Field(
        (6, 12, 18, 24), min_length=1, description="dilations of a head's branches"
    )
    freeze_affine: Literal["auto", "yes", "no"] = Field(
        "auto", description="freeze batch-norm scale and shift; auto: only where weights were loaded"
    )


class TrainSettings(Section):
    """Optimisation of the segmenter; one setting for all methods."""

    iterations: int = Field(50_000, ge=1, description="segmenter updates of the whole run, all stages together")
    batch_size: int = Field(4, ge=1, description="images a domain and update, over all processes and micro-batches")
    accumulate: int = Field(1, ge=1, description="micro-batches an update is split into")
    lr: float = Field(2.5e-4, gt=0, description="SGD learning rate of the trunk")
    head_lr_factor: float = Field(10.0, gt=0, description="learning rate of the heads over that of the trunk")
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(1e-4, ge=0)
    poly_power: float = Field(0.9, ge=0, description="lr(t) = lr * (1 - t/T)^power")
    precision: Literal["no", "bf16", "fp16"] = Field("no", description="mixed precision")
    compile: bool = Field(False, description="torch.compile the networks: slow to start, then faster")
    workers: int = Field(0, ge=0, description="loader processes; 0 loads in the training process")
    log_every: int = Field(20, ge=1, description="iterations between two lines of the log")
    checkpoint_every: int = Field(500, ge=1, description="iterations between two checkpoints")
    keep: int = Field(2, ge=1, description="newest checkpoints kept on disk")


class SelectionSettings(Section):
    """Which of the checkpoints along a run becomes its result. No target label takes part; the same for all methods."""

    by: Literal["last", "source-dice", "entropy", "im", "snd", "prototypes", "consistency"] = Field(
        "last", description="the end of training, or the checkpoint that a label-free validator scores best"
    )
    candidates: int = Field(10, ge=1, description="checkpoints along the segmenter's updates that are kept and scored")
    slices: int = Field(64, ge=1, description="slices of each domain that the validators see, evenly spaced")
    pixels: int = Field(4096, ge=2, description="pixels of them whose features are compared with one another")


class LossSettings(Section):
    """Supervised loss: class-weighted cross-entropy + Dice on both heads."""

    aux_weight: float = Field(0.1, ge=0, description="weight of the auxiliary (conv4) head")
    dice_weight: float = Field(1.0, ge=0, description="weight of the Dice term over that of cross-entropy")


class AugmentSettings(Section):
    """Mild affine augmentation of training slices: uniform draws, the same for all methods, on both domains."""

    rotate_deg: float = Field(10.0, ge=0, le=180, description="largest rotation either way, degrees")
    scale: float = Field(0.1, ge=0, lt=1, description="largest change of size either way, share")
    translate: float = Field(0.05, ge=0, lt=1, description="largest shift either way, share of the slice")


class AdversarySettings(Section):
    """Output-space adversary, one discriminator a head."""

    weight: float = Field(0.003, ge=0, description="lambda_1, main head (paper: 0.003)")
    aux_weight: float = Field(2e-5, ge=0, description="auxiliary head (authors' code: 2e-5; the paper is silent)")
    network: Literal["patchgan", "fc"] = Field("patchgan", description="discriminator architecture")
    width: int = Field(64, ge=4, description="channels after its first layer")
    input: Literal["probs", "self-information"] = Field("probs", description="what the discriminators see")
    lr: float = Field(1e-4, gt=0, description="Adam learning rate of the discriminators")


class SelfTrainingSettings(Section):
    """Rounds of class-balanced self-training (CBST, CRST)."""

    start: Literal["source", "adversary"] = Field(
        "source", description="the warm-up: on the source alone (paper), or with the output adversary"
    )
    rounds: int = Field(3, ge=1, description="rounds of retraining after the warm-up (authors' code: 3)")
    portion: float = Field(0.20, gt=0, le=1, description="share of each class's pixels kept in the first round")
    portion_step: float = Field(0.05, ge=0, le=1, description="added to it each round")
    portion_max: float = Field(0.50, gt=0, le=1, description="where it stops growing")
    source_share: float = Field(0.03, gt=0, le=1, description="share of the source's slices in the first round")
    source_share_step: float = Field(0.0025, ge=0, le=1, description="added to it each round")
    source_share_max: float = Field(0.06, gt=0, le=1, description="where it stops growing")
    regulariser: Literal["mrkld", "lrent", "none"] = Field(
        "mrkld", description="of confidence: mrkld on the output, lrent by soft pseudo-labels, or none (CBST)"
    )
    regulariser_weight: float = Field(0.1, ge=0, description="alpha of mrkld (paper: 0.1; the code comes to 0.01)")
    alpha: float = Field(0.25, gt=0, description="alpha of lrent: how soft the pseudo-labels are (paper: 0.25)")
    target_weight: float = Field(1.0, ge=0, description="weight of the target's loss over the source's")
    pixel_stride: int = Field(4, ge=1, description="one pixel in so many is surveyed for the thresholds")
    batch_norm: Literal["running", "batch"] = Field(
        "running", description="batch norm in training: fixed running statistics (authors' code), or the batch's"
    )
    lr_factor: float = Field(0.2, gt=0, description="constant learning rate of the rounds over train.lr")

    @field_validator("portion_max", "source_share_max")
    @classmethod
    def _not_below_the_first(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get(str(info.field_name).removesuffix("_max"), value):
            raise ValueError("less than in the first round")
        return value


class EnergySettings(Section):
    """Energy constraint on target predictions (EBM)."""

    weight: float = Field(0.01, ge=0, description="of the energy (the paper's is not known; try 0.01, 0.05, 0.1)")
    mode: Literal["raw", "hinge", "contrast"] = Field(
        "hinge", description="the energy, its squared excess over the source's mean, or its difference from that"
    )


class TranslationSettings(Section):
    """CycleGAN, between the two domains' images."""

    iterations: int = Field(50_000, ge=2, description="updates, half of them at full learning rate, half decaying to 0")
    batch_size: int = Field(1, ge=1, description="images a domain and update, over all processes and micro-batches")
    width: int = Field(64, ge=1, description="channels after a generator's first layer")
    blocks: int = Field(9, ge=1, description="residual blocks of a generator")
    residual: bool = Field(False, description="generators give tanh(x + r), not tanh(r)")
    critic_width: int = Field(64, ge=1, description="channels after a discriminator's first layer")
    lr: float = Field(2e-4, gt=0, description="Adam learning rate of generators and discriminators")
    cycle_weight: float = Field(10.0, ge=0, description="weight of |x - back(there(x))|, both ways")
    identity_weight: float = Field(
        0.5, ge=0, description="weight of |x - G(x)| for x of G's own domain, over the cycle's"
    )
    pool: int = Field(50, ge=0, description="earlier fakes kept for the discriminators, a domain")


class CyCADASettings(Section):
    """What CyCADA adds to the translation: semantic consistency, and an adversary of the segmenter's outputs."""

    semantic_weight: float = Field(1.0, ge=0, description="weight of semantic consistency in the second half")
    adapt_share: float = Field(0.25, gt=0, lt=0.5, description="share of the budget for the adversarial stage")
    critic_input: Literal["scores", "features"] = Field(
        "scores", description="what the critic sees: main logits (authors' code), or conv5 features"
    )
    critic_width: int = Field(512, ge=2, description="channels after the critic's first layer")
    critic_dropout: float = Field(0.5, ge=0, lt=1, description="channels dropped after each of its layers")
    critic_lr: float = Field(1e-5, gt=0, description="SGD learning rate of the critic, momentum 0.99")
    weight: float = Field(0.1, ge=0, description="weight of the adversarial loss")
    lr_factor: float = Field(0.1, gt=0, description="segmenter's learning rate in that stage over train.lr")
    gate: float = Field(0.6, ge=0, lt=1, description="mean domain accuracy above which the adversarial loss counts")
    gate_window: int = Field(100, ge=1, description="updates that mean is taken over")


class EntropySettings(Section):
    """Direct entropy minimisation on the target (MinEnt)."""

    weight: float = Field(1e-3, ge=0, description="main head (authors' code: 1e-3)")
    aux_weight: float = Field(2e-4, ge=0, description="auxiliary head (authors' code: 2e-4)")


class FDASettings(Section):
    """Fourier domain adaptation: the source in the target's low frequencies, and an entropy on the target."""

    beta: float = Field(0.01, gt=0, le=0.5, description="half side of the swapped window (paper: 0.01, 0.05, 0.09)")
    entropy_weight: float = Field(0.005, ge=0, description="of the robust entropy on the target (paper: 0.005)")
    eta: float = Field(2.0, gt=0, description="exponent of its Charbonnier penalty (paper: 2)")


class ContrastSettings(Section):
    """Margin-preserving contrast of pixels and class centres (MPSCL)."""

    warm_up_share: float = Field(0.08, gt=0, lt=1, description="share of the budget for the warm-up on the source")
    source_weight: float = Field(1.0, ge=0, description="of the contrast on the source (code: 1)")
    target_weight: float = Field(0.1, ge=0, description="of the contrast on the target (code: 0.1)")
    source_margin: float = Field(0.2, ge=0, le=1.5, description="angular margin, radians (0.2 CT to MRI, 0.4 back)")
    target_margin: float = Field(0.2, ge=0, le=1.5, description="angular margin on the target, radians (code: 0.2)")
    temperature: float = Field(2.0, gt=0, description="on the source (code: 2 CT to MRI, 1 back)")
    momentum: float = Field(0.2, ge=0, lt=1, description="share of the old centre in the new one (code: 0.2)")
    confidence: float = Field(0.25, ge=0, description="least lead of the nearest centre's cosine over the next")


class PnPSettings(Section):
    """Plug-and-play domain adaptation (PnP-AdaNet)."""

    adapted: Literal["layer2", "layer3"] = Field("layer2", description="the last of the layers the target has its own")
    critic_updates: int = Field(20_100, ge=0, description="updates of the feature critic alone, before all others")
    critic_steps: int = Field(20, ge=1, description="critics' updates before each of the layers (authors' code: 20)")
    critic_steps_growth: int = Field(
        300, ge=0, description="one more after so many updates of the layers (authors' code: 300); 0: never"
    )
    critic_width: int = Field(64, ge=4, description="channels after a critic's first layer")
    reduced: int = Field(8, ge=1, description="channels that each level of features is reduced to for the critic")
    weight: float = Field(0.002, gt=0, description="mu, of the Wasserstein losses (authors' code: 0.002)")
    mask_weight: float = Field(0.3, ge=0, description="of the mask critic's over the feature critic's (code: 0.3)")
    clip: float = Field(0.03, gt=0, description="largest weight of a critic (authors' code: 0.03)")
    penalty: float = Field(0.0, ge=0, description="gradient penalty in place of clipping (10 is usual); 0: clipping")
    lr: float = Field(3e-4, gt=0, description="RMSProp learning rate of layers and critics (authors' code: 3e-4)")


class SIFASettings(Section):
    """Synergistic image and feature alignment (SIFA)."""

    network: Literal["deeplab", "native"] = Field(
        "deeplab", description="the shared encoder: the common DeepLab, or SIFA's own"
    )
    width: int = Field(32, ge=1, description="channels after the generator's first layer (authors' code: 32)")
    blocks: int = Field(9, ge=1, description="residual blocks of the generator (authors' code: 9)")
    decoder_width: int = Field(128, ge=4, description="channels of the decoder's first layer (authors' code: 128)")
    critic_width: int = Field(64, ge=1, description="channels after a discriminator's first layer")
    native_width: int = Field(16, ge=1, description="channels after the native encoder's first layer")
    native_lr: float = Field(2e-4, gt=0, description="Adam learning rate of the native encoder and its heads")
    native_dropout: float = Field(0.0, ge=0, lt=1, description="dropout in the native encoder (authors' V1: 0.25)")
    lr: float = Field(2e-4, gt=0, description="Adam learning rate of generator, decoder and discriminators")
    cycle_weight: float = Field(10.0, ge=0, description="weight of |x - back(there(x))|, both ways")
    pool: int = Field(50, ge=0, description="earlier fakes kept for the discriminators, a domain")
    image_weight: float = Field(0.1, ge=0, description="of the reverse generator's losses in the encoder's update")
    feature_weight: float = Field(0.1, ge=0, description="of the prediction's adversary, main level")
    aux_feature_weight: float = Field(0.01, ge=0, description="of the same, lower level; 0: none (V1)")
    aux_task_weight: float = Field(0.1, ge=0, description="of the source discriminator's auxiliary task")
    feature_start: float = Field(0.0, ge=0, le=1, description="share of the run after which these adversaries start")
    feature_ramp: float = Field(0.0, ge=0, le=1, description="share of the run over which their weights grow")


class ViewSettings(Section):
    """The two families of views that vote on reliability."""

    n: int = Field(3, ge=1, description="views a family, odd (paper: 3)")
    mu: float = Field(0.8, ge=0, le=1, description="share of the source's amplitude in the swapped window, eq. 4")
    beta: float = Field(0.01, gt=0, le=0.5, description="half side of that window, share of the slice")
    brightness: float = Field(0.4, ge=0, lt=1, description="largest brightness change either way")
    contrast: float = Field(0.4, ge=0, lt=1, description="largest contrast change either way")
    blur_sigma: tuple[float, float] = Field((0.1, 2.0), description="range of the Gaussian blur, pixels at 256")
    blur_probability: float = Field(0.5, ge=0, le=1, description="how often a view is blurred")

    @field_validator("blur_sigma")
    @classmethod
    def _rising(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= value[0] <= value[1]:
            raise ValueError("two numbers from 0, the lower first")
        return value

    @field_validator("n")
    @classmethod
    def _odd(cls, n: int) -> int:
        if n % 2 == 0:
            raise ValueError("a majority needs an odd number of views")
        return n


class SESettings(Section):
    """Selective entropy constraints, eq. 6."""

    weight: float = Field(1.0, ge=0, description="lambda_3 (paper: 1.0)")
    start: float = Field(0.0, ge=0, le=1, description="share of the stage after which it starts")
    ramp: float = Field(0.0, ge=0, le=1, description="share of the stage over which the weight grows linearly")
    minimise: Literal["reliable", "all", "none"] = Field("reliable", description="pixels whose entropy is minimised")
    maximise: Literal["unreliable", "none"] = Field("unreliable", description="pixels whose entropy is maximised")
    gradient: Literal["clean", "augmented", "one-view"] = Field(
        "clean", description="whose prediction carries the gradient: the clean image's, all random views', or one's"
    )
    vote_statistics: Literal["running", "batch"] = Field(
        "running", description="batch norm while voting: running statistics in one pool, or each view its own batch"
    )


class ASASettings(Section):
    """Adaptive semantic alignment, eq. 7-10."""

    weight: float = Field(0.1, ge=0, description="lambda_2 (paper: 0.1)")
    alpha: float = Field(0.01, gt=0, le=1, description="share of the batch in the running prototype, eq. 9")
    start: float = Field(0.0, ge=0, le=1, description="share of the stage after which it starts")
    ramp: float = Field(0.0, ge=0, le=1, description="share of the stage over which the weight grows linearly")
    remove_unreliable: bool = Field(True, description="leave unreliable pixels out of the target's prototypes")
    distance: Literal["l2", "mse"] = Field(
        "l2", description="eq. 10's norm, or the authors' code's mean square over dimensions"
    )
    bank_mode: Literal["straight-through", "released-code"] = Field(
        "straight-through", description="eq. 9 with the gradient passed straight through, or the authors' code's form"
    )


class RunSettings(Section):
    """What every run has; `compose` adds the sections that its method and add-ons ask for."""

    method: str
    recipe: str | None = None
    addons: tuple[str, ...] = ()
    src: str = "ct"
    tgt: str = "mri"
    seed: int = Field(0, ge=0, lt=2**31)
    preset: str = "quick"
    weights: str | None = None
    raw: RawSettings = RawSettings()
    data: DataSettings = DataSettings()
    phantom: PhantomSettings = PhantomSettings()
    model: ModelSettings = ModelSettings()
    train: TrainSettings = TrainSettings()
    selection: SelectionSettings = SelectionSettings()
    loss: LossSettings = LossSettings()
    augment: AugmentSettings = AugmentSettings()

    @field_validator("addons")
    @classmethod
    def _once(cls, addons: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(addons)) < len(addons):
            raise ValueError("each add-on once")
        return addons

    def section(self, name: str) -> Any:
        """The settings of a section by name. Raises `KeyError` when this run's method did not ask for it."""
        if name not in type(self).model_fields:
            raise KeyError(f"section {name!r} is not among the settings of method {self.method!r}")
        return getattr(self, name)


def load_preset(name: str) -> dict[str, Any]:
    """The overlay of a preset by name. Raises `UserError` with the nearest name."""
    if name not in PRESETS:
        raise UserError(f"unknown preset {name!r}{_nearest(name, PRESETS)}; presets: {', '.join(PRESETS)}")
    text = (resources.files("seasa_da") / "presets" / f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text) or {}


def load_config_file(path: Path) -> dict[str, Any]:
    """Read a YAML overlay. Raises `UserError` naming the file."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold settings by name (a YAML mapping), not a {type(content).__name__}")
    return content


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Turn `["train.iterations=2000", …]` into a nested overlay; values are read as YAML.

    Raises `UserError` for text without `=`, without a name, or with a value that is not YAML.
    """
    overlay: dict[str, Any] = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        keys = name.strip().split(".")
        if not equals or not all(keys):
            raise UserError(f"--set {text!r} is not of the form name=value (such as train.iterations=2000)")
        try:
            parsed = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UserError(f"--set {name}: {value!r} is not a valid value") from None
        node = overlay
        for key in keys[:-1]:
            node = node.setdefault(key, {})
            if not isinstance(node, dict):
                raise UserError(f"--set {name}: {key!r} was already given a value")
        node[keys[-1]] = parsed
    return overlay


def merge(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """`overlay` laid over `base`, section by section; neither is changed."""
    merged = dict(base)
    for key, value in overlay.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def compose(
    top: Mapping[str, Any],
    sections: Mapping[str, type[Section]],
    *,
    recipes: Mapping[str, Mapping[str, Any]] | None = None,
    presets: Iterable[Mapping[str, Mapping[str, Any]]] = (),
    config_file: Path | None = None,
    overrides: Iterable[str] = (),
) -> RunSettings:
    """Lay all sources of settings over each other and validate the result.

    Args:
        top: the run's own fields (`method`, `addons`, `src`, `tgt`, `seed`, `preset`, `weights`); one that is `None`
            is left to the file, then to its default.
        sections: the settings classes that the method and its add-ons ask for, by section name.
        recipes: overlays by recipe name, the first is the default; `None` for a method without recipes.
        presets: further overlays by preset name, laid over the preset's own.
        config_file: a YAML overlay of the user's.
        overrides: `name=value` texts, as given to `--set`.

    Raises:
        UserError: an unknown name (with the nearest right one) or a value that does not fit.
    """
    assigned = parse_assignments(overrides)
    for name in OWN_OPTIONS & assigned.keys():
        # It would be laid under the option's value, and have no effect without a word.
        raise UserError(f"{name!r} is not a matter of --set: it has an option of its own")
    user = merge(load_config_file(config_file) if config_file else {}, assigned)
    model = settings_model(sections)

    overlay: dict[str, Any] = {}
    if recipes:
        recipe = user.get("recipe") or next(iter(recipes))
        if not isinstance(recipe, str) or recipe not in recipes:
            raise UserError(
                f"unknown recipe {recipe!r} of {top['method']}{_nearest(str(recipe), recipes)}; "
                f"recipes: {', '.join(recipes)}"
            )
        overlay = merge({"recipe": recipe}, recipes[recipe])
    elif user.get("recipe") is not None:
        raise UserError(f"method {top['method']} has no recipes")
    chosen = str(top.get("preset") or user.get("preset") or "quick")
    preset = load_preset(chosen)
    per_recipe = preset.pop("recipes", {})
    overlay = merge(overlay, preset)
    overlay = merge(overlay, per_recipe.get(overlay.get("recipe"), {}))
    for further in presets:
        overlay = merge(overlay, further.get(chosen, {}))
    # A preset speaks for all methods; a run keeps the sections that its own method has.
    overlay = {key: value for key, value in overlay.items() if key in model.model_fields}
    return validated(model, merge(merge(overlay, user), {k: v for k, v in top.items() if v is not None}))


def settings_model(sections: Mapping[str, type[Section]]) -> type[RunSettings]:
    """`RunSettings` with further sections."""
    fields: dict[str, Any] = {name: (cls, cls()) for name, cls in sections.items()}
    return create_model("RunConfig", __base__=RunSettings, **fields)


def validated(model: type[RunSettings], content: Mapping[str, Any]) -> RunSettings:
    """Validate `content`; the first fault becomes a one-line `UserError` with the nearest right name."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        fault = error.errors()[0]
        name = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            raise UserError(f"unknown setting {name!r}{_nearest(name, setting_names(model))}") from None
        raise UserError(f"setting {name}={fault['input']!r} does not fit: {fault['msg']}") from None


def setting_names(model: type[BaseModel], prefix: str = "") -> list[str]:
    """The dotted names of all settings of a model, sections and leaves."""
    names: list[str] = []
    for name, field in model.model_fields.items():
        names.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names += setting_names(field.annotation, f"{prefix}{name}.")
    return names


def _nearest(name: str, candidates: Iterable[str]) -> str:
    choices = list(candidates)
    match = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    if not match:
        # `iterations` for `train.iterations`: the leaf alone is the usual slip
        leaf = name.rsplit(".", 1)[-1]
        match = [choice for choice in choices if choice.rsplit(".", 1)[-1] == leaf][:1]
    return f"; did you mean {match[0]!r}?" if match else ""
