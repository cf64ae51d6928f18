import math

import pytest
import torch
from pytorch_adapt.hooks.features import LogitsHook
from pytorch_adapt.hooks.utils import ChainHook
from toys import CLASSES, random_batch, tiny_models

from seasa_da.hooks import AuxLogitsHook, LevelsHook, TargetEntropyHook

MODELS = ("G", "C", "C_aux")


def chain(hook):
    return ChainHook(LevelsHook(), LogitsHook(), AuxLogitsHook(), hook)


def entropies(inputs, eta):
    """Of both heads, by hand: `(N,)` each."""
    conv5, conv4 = inputs["G"](inputs["target_imgs"], levels=True)
    found = []
    for logits in (inputs["C"](conv5), inputs["C_aux"](conv4)):
        p = logits.softmax(dim=1)
        pixels = -(p * p.log2()).sum(dim=1) / math.log2(CLASSES)
        found.append((pixels if eta is None else (pixels**2 + 1e-8) ** eta).mean(dim=(1, 2)))
    return found


@pytest.mark.parametrize("eta", [None, 2.0])
def test_losses_by_hand(eta):
    inputs = {**tiny_models(), **random_batch()}
    main, aux = entropies(inputs, eta)
    _, losses = chain(TargetEntropyHook(0.5, 0.25, eta))(inputs)
    assert losses.keys() == {"entropy_loss", "entropy_aux_loss"}
    torch.testing.assert_close(losses["entropy_loss"], 0.5 * main)
    torch.testing.assert_close(losses["entropy_aux_loss"], 0.25 * aux)


@pytest.mark.parametrize(("aux_weight", "reached"), [(None, {"G", "C"}), (0.25, {"G", "C", "C_aux"})])
def test_gradient_reaches_the_heads_that_have_a_weight(aux_weight, reached):
    inputs = {**tiny_models(), **random_batch()}
    _, losses = chain(TargetEntropyHook(0.5, aux_weight))(inputs)
    assert ("entropy_aux_loss" in losses) == (aux_weight is not None)
    sum(loss.mean() for loss in losses.values()).backward()
    for name in MODELS:
        assert all((p.grad is not None) == (name in reached) for p in inputs[name].parameters()), name


def test_only_the_target_is_looked_at():
    hook = TargetEntropyHook(0.5, 0.25)
    one, other = random_batch(), random_batch(seed=1)
    losses = [chain(hook)({**tiny_models(), **one, "src_imgs": batch["src_imgs"]})[1] for batch in (one, other)]
    assert all(losses[0][name].equal(losses[1][name]) for name in losses[0])


@pytest.mark.parametrize("eta", [None, 2.0])
def test_descent_lowers_the_entropy(eta):
    inputs = {**tiny_models(), **random_batch()}
    optimizer = torch.optim.SGD([p for name in MODELS for p in inputs[name].parameters()], lr=0.1)
    hook, course = chain(TargetEntropyHook(1.0, 1.0, eta)), []
    for _ in range(10):
        loss = sum(found.mean() for found in hook(inputs)[1].values())
        course.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert course[-1] < 0.8 * course[0]
