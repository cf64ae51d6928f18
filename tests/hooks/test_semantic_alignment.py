import pytest
import torch
from torch import nn
from toys import CLASSES, Counted, random_batch, tiny_models

from seasa_da.config import ViewSettings
from seasa_da.hooks import ReliabilityHook, ScheduledWeight, SelectiveEntropyHook, SemanticAlignmentHook, Stepper

STRONG = ViewSettings(brightness=0.9, contrast=0.9)
VOTES = {"target_reliable", "target_agrees_random", "target_agrees_fourier", "target_votes"}
FEATURES = {f"{d}_imgs_features{suffix}" for d in ("src", "target") for suffix in ("", "_logits")}


def context(**others):
    return {**tiny_models(), **random_batch(), **others}


def means(features, labels, mask):
    """Mean feature of each class at the places that the 16x16 features stand for in 32x32; None where it is absent."""
    places = [round(i * 31 / 15 + 1e-9) for i in range(16)]
    found = []
    for c in range(CLASSES):
        rows = [
            features[n, :, i, j]
            for n in range(len(features))
            for i, y in enumerate(places)
            for j, x in enumerate(places)
            if labels[n, y, x] == c and (mask is None or mask[n, y, x])
        ]
        found.append(torch.stack(rows).mean(dim=0) if rows else None)
    return found


@pytest.mark.parametrize("remove_unreliable", [True, False])
@pytest.mark.parametrize("distance", ["l2", "mse"])
def test_loss_of_a_first_batch_by_hand(remove_unreliable, distance):
    inputs = context()
    hook = SemanticAlignmentHook(
        CLASSES, 4, weight=0.3, remove_unreliable=remove_unreliable, distance=distance, views=STRONG
    )
    outputs, losses = hook(inputs)
    assert outputs.keys() == (FEATURES | VOTES if remove_unreliable else FEATURES)
    assert losses.keys() == {"semantic_alignment_loss"}
    votes, _ = ReliabilityHook(STRONG)(inputs)
    assert 0.02 < votes["target_reliable"].float().mean() < 0.98
    src = means(inputs["G"](inputs["src_imgs"]), inputs["src_labels"], None)
    mask = votes["target_reliable"] if remove_unreliable else None
    target = means(inputs["G"](inputs["target_imgs"]), votes["target_votes"], mask)
    pairs = [(s, t) for s, t in zip(src, target, strict=True) if s is not None and t is not None]
    assert len(pairs) >= 2
    if distance == "l2":
        expected = sum((s - t).square().sum().sqrt() for s, t in pairs)
    else:
        expected = sum((s - t).square().mean() for s, t in pairs)
    torch.testing.assert_close(losses["semantic_alignment_loss"], 0.3 * expected)


def test_second_batch_moves_by_alpha_and_passes_the_whole_gradient():
    hook = SemanticAlignmentHook(CLASSES, 4, weight=1.0, alpha=0.25, remove_unreliable=False)
    hook(context())
    first = hook.src_bank.value.clone(), hook.target_bank.value.clone()
    inputs = {**tiny_models(), **random_batch(seed=1)}
    _, losses = hook(inputs)
    losses["semantic_alignment_loss"].backward()
    found = [p.grad.clone() for p in inputs["G"].parameters()]
    inputs["G"].zero_grad()

    labels = inputs["C"](inputs["G"](inputs["target_imgs"])).argmax(dim=1)
    batch = [
        torch.stack(means(inputs["G"](inputs[f"{d}_imgs"]), given, None))
        for d, given in (("src", inputs["src_labels"]), ("target", labels))
    ]
    slow = [0.75 * old + 0.25 * new.detach() for old, new in zip(first, batch, strict=True)]
    torch.testing.assert_close(hook.src_bank.value, slow[0])
    torch.testing.assert_close(hook.target_bank.value, slow[1])
    distance = (slow[0] - slow[1]).norm(dim=1)
    torch.testing.assert_close(losses["semantic_alignment_loss"], distance.sum())
    # d|z|/dz = z/|z| at the slow average, times the batch's own derivative, unscaled by alpha.
    direction = (slow[0] - slow[1]) / distance[:, None]
    (direction * (batch[0] - batch[1])).sum().backward()
    for ours, parameter in zip(found, inputs["G"].parameters(), strict=True):
        torch.testing.assert_close(ours, parameter.grad, atol=1e-6, rtol=1e-4)


def test_gradient_reaches_the_trunk_alone():
    inputs = context()
    _, losses = SemanticAlignmentHook(CLASSES, 4, views=STRONG)(inputs)
    losses["semantic_alignment_loss"].backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in inputs["G"].parameters())
    assert not any(p.grad is not None for name in ("C", "C_aux") for p in inputs[name].parameters())


def test_a_class_counts_once_it_was_seen_in_both_domains():
    inputs = context()
    inputs["src_labels"] = torch.zeros_like(inputs["src_labels"])
    hook = SemanticAlignmentHook(CLASSES, 4, weight=1.0, remove_unreliable=False)
    _, losses = hook(inputs)
    assert hook.src_bank.seen.tolist() == [True, False, False]
    assert hook.target_bank.seen[1:].any()
    expected = (hook.src_bank.value[0] - hook.target_bank.value[0]).norm()
    torch.testing.assert_close(losses["semantic_alignment_loss"], expected)


def test_unreliable_pixels_move_no_target_prototype():
    inputs = context()
    votes = {
        "target_reliable": torch.zeros(4, 32, 32, dtype=torch.bool),
        "target_agrees_random": torch.zeros(4, 32, 32, dtype=torch.bool),
        "target_agrees_fourier": torch.ones(4, 32, 32, dtype=torch.bool),
        "target_votes": torch.zeros(4, 32, 32, dtype=torch.int64),
    }
    hook = SemanticAlignmentHook(CLASSES, 4)
    _, losses = hook({**inputs, **votes})
    assert not hook.target_bank.seen.any()
    assert hook.src_bank.seen.all()
    assert losses["semantic_alignment_loss"].item() == 0


def test_prototypes_are_what_a_checkpoint_must_hold():
    hook = SemanticAlignmentHook(CLASSES, 4)
    hook(context())
    modules = hook.state_modules()
    assert modules.keys() == {"src_prototypes", "target_prototypes"}
    assert modules["src_prototypes"] is hook.src_bank
    assert set(modules["target_prototypes"].state_dict()) == {"value", "seen"}
    assert hook.src_bank.value.abs().max() > 0


def test_nothing_happens_before_the_start():
    models = {name: Counted(module) for name, module in tiny_models().items()}
    hook = SemanticAlignmentHook(CLASSES, 4, ScheduledWeight(1.0, start=0.5))
    outputs, losses = hook({**models, **random_batch(), "progress": 0.49})
    assert outputs.keys() == FEATURES
    assert losses["semantic_alignment_loss"].item() == 0
    assert not hook.src_bank.seen.any()
    assert len(models["G"].calls) == 2  # one clean forward a domain, no vote
    outputs, losses = hook({**models, **random_batch(), "progress": 0.5})
    assert outputs.keys() == FEATURES | VOTES
    assert losses["semantic_alignment_loss"] > 0


@pytest.mark.parametrize("first", ["se", "asa"])
def test_se_and_asa_vote_once(first):
    models = {name: Counted(module) for name, module in tiny_models().items()}
    inputs = {**models, **random_batch()}
    hooks = [SelectiveEntropyHook(views=STRONG), SemanticAlignmentHook(CLASSES, 4, views=STRONG)]
    for hook in hooks if first == "se" else hooks[::-1]:
        outputs, _ = hook(inputs)
        inputs = {**inputs, **outputs}
    shapes = sorted(call[0][0] for call in models["G"].calls)
    assert shapes == [4, 4, 28]  # source, target, and one pool of 7 views


def test_without_votes_no_view_is_made():
    models = {name: Counted(module) for name, module in tiny_models().items()}
    SemanticAlignmentHook(CLASSES, 4, remove_unreliable=False)({**models, **random_batch()})
    assert len(models["G"].calls) == 2


class OtherRank(Stepper):
    """Pretends that a second rank had just the same batch."""

    def sum_over_ranks(self, values):
        return 2 * values


def test_sums_and_counts_are_added_over_ranks_before_dividing():
    hooks = [SemanticAlignmentHook(CLASSES, 4, views=STRONG) for _ in range(2)]
    alone = hooks[0](context())[1]["semantic_alignment_loss"]
    both = hooks[1](context(stepper=OtherRank()))[1]["semantic_alignment_loss"]
    torch.testing.assert_close(alone, both)


def test_classifiers():
    torch.manual_seed(0)
    models = {"G": nn.Sequential(nn.Flatten(), nn.Linear(1024, 4)), "C": nn.Linear(4, 3)}
    nn.init.normal_(models["C"].weight, std=2.0)
    batch = random_batch(16)
    batch["src_labels"] = torch.arange(16) % 3
    inputs = {**models, **batch}
    hook = SemanticAlignmentHook(3, 4, weight=1.0, views=STRONG)
    outputs, losses = hook(inputs)
    expected = 0.0
    for c in range(3):
        chosen = (outputs["target_votes"] == c) & outputs["target_reliable"]
        if chosen.any():
            src = outputs["src_imgs_features"][batch["src_labels"] == c].mean(dim=0)
            expected += (src - outputs["target_imgs_features"][chosen].mean(dim=0)).norm()
    torch.testing.assert_close(losses["semantic_alignment_loss"], expected)
