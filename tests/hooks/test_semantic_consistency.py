import torch
import torch.nn.functional as F
from torch import nn
from toys import CLASSES, random_batch

from seasa_da.hooks import SemanticConsistencyHook
from seasa_da.models import Frozen


def make_context():
    torch.manual_seed(0)
    batch = random_batch(2)
    f_S = Frozen(nn.Conv2d(1, CLASSES, 3, padding=1))
    translated = {key: batch[f"{key[:3] if key[0] == 's' else 'target'}_imgs"] * 0.5 for key in ("src_as_target",)}
    translated["target_as_src"] = -batch["target_imgs"]
    return {**batch, **{k: v.requires_grad_() for k, v in translated.items()}, "f_S": f_S}


def test_by_hand():
    context = make_context()
    _, losses = SemanticConsistencyHook(weight=0.5)(context)
    for name, original, translated in (
        ("semantic_src_loss", "src_imgs", "src_as_target"),
        ("semantic_target_loss", "target_imgs", "target_as_src"),
    ):
        wanted = context["f_S"](context[original]).argmax(dim=1)
        expected = 0.5 * F.cross_entropy(context["f_S"](context[translated]), wanted)
        torch.testing.assert_close(losses[name], expected)


def test_an_unchanged_image_of_certain_labels_costs_nothing():
    context = make_context()
    context["f_S"].module.weight.mul_(1e4)
    context["src_as_target"] = context["src_imgs"]
    assert SemanticConsistencyHook()(context)[1]["semantic_src_loss"] < 1e-2


def test_the_gradient_reaches_the_translations_alone():
    context = make_context()
    _, losses = SemanticConsistencyHook()(context)
    sum(losses.values()).backward()
    assert context["src_as_target"].grad.abs().sum() > 0 and context["target_as_src"].grad.abs().sum() > 0
    assert all(p.grad is None for p in context["f_S"].parameters())
