"""Each validator by hand, and that a network which says one thing everywhere does not win."""

import math

import pytest
import torch
from pytorch_adapt.validators import BaseValidator, IMValidator

from seasa_da.config import SelectionSettings
from seasa_da.validators import (
    VALIDATORS,
    ConsistencyValidator,
    DenseIMValidator,
    PrototypeValidator,
    SourceDiceValidator,
)
from seasa_da.validators.scores import scores_by


def test_they_are_pytorch_adapts_and_those_that_settings_name():
    made = [make() for make in VALIDATORS.values()]
    assert all(isinstance(validator, BaseValidator) for validator in made)
    choices = SelectionSettings.model_fields["by"].annotation.__args__
    assert choices == ("last", *VALIDATORS)
    known = {"target_train", "target_balanced", "target_votes", "src_train", "src_val"}
    assert all(set(validator.required_data) <= known for validator in made)


class TestDenseIM:
    def test_with_equal_frequencies_it_is_pytorch_adapts_less_ln_k(self):
        logits = torch.randn(200, 4, generator=torch.Generator().manual_seed(0)) * 3
        ours = DenseIMValidator()(target_train={"logits": logits}, src_train={"prior": torch.full((4,), 0.25)})
        theirs = IMValidator()(target_train={"logits": logits})
        assert ours == pytest.approx(theirs - math.log(4), abs=1e-5)

    def test_by_hand(self):
        # three pixels of class 0, one of class 1, without doubt: no entropy, mean (3/4, 1/4)
        logits = torch.tensor([[50.0, 0.0]] * 3 + [[0.0, 50.0]])
        score = DenseIMValidator()(target_train={"logits": logits}, src_train={"prior": torch.tensor([0.5, 0.5])})
        assert score == pytest.approx(-(0.75 * math.log(1.5) + 0.25 * math.log(0.5)), abs=1e-5)

    def test_the_sources_sizes_score_higher_than_equal_ones_and_than_background_alone(self):
        prior = torch.tensor([0.9, 0.1])

        def score(background):
            logits = torch.tensor([[50.0, 0.0]] * background + [[0.0, 50.0]] * (100 - background))
            return DenseIMValidator()(target_train={"logits": logits}, src_train={"prior": prior})

        assert score(90) > score(100) > score(50)
        assert score(90) == pytest.approx(0, abs=1e-5)


class TestPrototypes:
    def test_by_hand(self):
        # classes 0 and 1 on the axes, each twice: own distance 0, to the other 1; class 2 is never predicted
        features = torch.tensor([[2.0, 0.0], [1.0, 0.0], [0.0, 3.0], [0.0, 1.0]])
        logits = torch.tensor([[1.0, 0, 0]] * 2 + [[0, 1.0, 0]] * 2)
        score = PrototypeValidator()(target_balanced={"features": features, "logits": logits})
        assert score == pytest.approx((1 + 1 - 1) / 3)

    def test_mixed_features_score_lower(self):
        generator = torch.Generator().manual_seed(0)
        labels = torch.arange(100) % 2
        logits = torch.nn.functional.one_hot(labels, 2).float()
        noise = torch.randn(100, 8, generator=generator)
        apart = noise + 6 * torch.nn.functional.one_hot(labels, 8)

        def score(features):
            return PrototypeValidator()(target_balanced={"features": features, "logits": logits})

        assert score(apart) > 0.5 > score(noise) > -0.5

    def test_one_class_alone_is_the_worst(self):
        data = {"features": torch.randn(10, 4), "logits": torch.tensor([[5.0, 0.0, 0.0]] * 10)}
        assert PrototypeValidator()(target_balanced=data) == -1


class TestConsistency:
    def test_by_hand(self):
        labels = torch.tensor([[[0, 0, 0, 0], [1, 1, 2, 2]]])
        reliable = torch.tensor([[[True, True, True, False], [True, False, False, False]]])
        data = {"labels": labels.to(torch.uint8), "reliable": reliable, "classes": torch.tensor(4)}
        assert ConsistencyValidator()(target_votes=data) == pytest.approx((3 / 4 + 1 / 2 + 0 + 0) / 4)

    def test_background_alone_cannot_win(self):
        data = {"labels": torch.zeros(1, 4, 4), "reliable": torch.ones(1, 4, 4).bool(), "classes": torch.tensor(5)}
        assert ConsistencyValidator()(target_votes=data) == pytest.approx(1 / 5)


class TestSourceDice:
    def test_by_hand(self):
        confusion = torch.tensor([[90, 2, 0], [1, 6, 1], [0, 0, 0]])
        # class 1: 2 * 6 / (8 + 8); class 2: 0 of (0 + 1)
        assert SourceDiceValidator()(src_val={"confusion": confusion}) == pytest.approx((12 / 16 + 0) / 2)

    def test_a_structure_that_is_nowhere_is_left_out(self):
        confusion = torch.tensor([[90, 0, 0], [0, 8, 0], [0, 0, 0]])
        assert SourceDiceValidator()(src_val={"confusion": confusion}) == 1

    def test_no_structure_is_undefined(self):
        assert scores_by({"it": SourceDiceValidator()}, {"src_val": {"confusion": torch.tensor([[9, 0], [0, 0]])}}) == {
            "it": None
        }


def test_what_was_not_observed_is_undefined():
    assert scores_by({"it": DenseIMValidator()}, {"target_train": {"logits": torch.zeros(2, 2)}}) == {"it": None}
