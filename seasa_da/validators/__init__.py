"""Label-free model selection: pytorch-adapt's validator interface on dense predictions.

A validator scores one checkpoint; higher is better. None sees a target label. `ValidationData` is drawn once a run,
`observe` lets a checkpoint predict it, `scores` asks every validator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pytorch_adapt.validators import BaseValidator, EntropyValidator, SNDValidator

from seasa_da.validators.consistency import ConsistencyValidator
from seasa_da.validators.data import ValidationData
from seasa_da.validators.information import DenseIMValidator
from seasa_da.validators.observation import Observation, observe
from seasa_da.validators.prototypes import PrototypeValidator
from seasa_da.validators.scores import scores_by
from seasa_da.validators.source_dice import SourceDiceValidator

__all__ = [
    "VALIDATORS",
    "BaseValidator",
    "ConsistencyValidator",
    "DenseIMValidator",
    "Observation",
    "PrototypeValidator",
    "SourceDiceValidator",
    "ValidationData",
    "observe",
    "scores",
]


def _snd() -> BaseValidator:
    # on pixels of all predicted classes alike: of a plain sample nearly all neighbours would be background
    return SNDValidator(key_map={"target_balanced": "target_train"})


VALIDATORS: Mapping[str, Callable[[], BaseValidator]] = MappingProxyType(
    {
        "source-dice": SourceDiceValidator,
        "entropy": EntropyValidator,
        "im": DenseIMValidator,
        "snd": _snd,
        "prototypes": PrototypeValidator,
        "consistency": ConsistencyValidator,
    }
)
"""By the names that `--select` takes; `SelectionSettings.by` lists the same."""


def scores(observation: Observation) -> dict[str, float | None]:
    """The score of every validator; `None` where one is not defined."""
    return scores_by({name: make() for name, make in VALIDATORS.items()}, observation.data)
