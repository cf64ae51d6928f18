import pytest
import torch
from torch import nn
from toys import Counted, random_batch, small_segmenter, snapshot, tiny_models

from seasa_da.augment import apply_jitter, draw_jitter, fourier_mix
from seasa_da.config import ViewSettings
from seasa_da.hooks import ReliabilityHook

KEYS = {"target_reliable", "target_agrees_random", "target_agrees_fourier", "target_votes"}
IDENTITY = ViewSettings(mu=0.0, brightness=0.0, contrast=0.0, blur_probability=0.0)
STRONG = ViewSettings(brightness=0.9, contrast=0.9)


def seasoned(models):
    """Give batch norm running statistics that are not a fresh layer's."""
    torch.manual_seed(5)
    for layer in models["G"].modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(std=0.3)
            layer.running_var.uniform_(0.5, 2.0)
    return models


def context(models=None, **batch):
    models = seasoned(tiny_models(norm=True)) if models is None else models
    return {**models, **random_batch(), **batch}


def labels_of(models, images):
    """Predicted labels under running statistics."""
    for model in models.values():
        model.eval()
    with torch.no_grad():
        labels = models["C"](models["G"](images)).argmax(dim=1)
    for model in models.values():
        model.train()
    return labels


def views_of(inputs, settings, n):
    params = draw_jitter(
        inputs["target_seeds"],
        n,
        brightness=settings.brightness,
        contrast=settings.contrast,
        blur_sigma=settings.blur_sigma,
        blur_probability=settings.blur_probability,
    )
    fourier = [
        fourier_mix(inputs["target_imgs"], inputs["fourier_imgs"][:, v], settings.mu, settings.beta) for v in range(n)
    ]
    return list(apply_jitter(inputs["target_imgs"], params)), fourier


def test_votes_by_hand():
    inputs = context()
    models = {name: inputs[name] for name in ("G", "C")}
    outputs, losses = ReliabilityHook(STRONG)(inputs)
    assert losses == {}
    assert outputs.keys() == KEYS
    random_views, fourier_views = views_of(inputs, STRONG, 3)
    clean = labels_of(models, inputs["target_imgs"])
    agree = []
    for family in (random_views, fourier_views):
        votes = torch.stack([labels_of(models, view) for view in family])
        ours = torch.zeros(clean.shape, dtype=torch.bool)
        for place in torch.cartesian_prod(*(torch.arange(size) for size in clean.shape)):
            n, y, x = place.tolist()
            ours[n, y, x] = sum(int(votes[v, n, y, x] == clean[n, y, x]) for v in range(3)) >= 2
        agree.append(ours)
    assert outputs["target_votes"].equal(clean)
    assert outputs["target_agrees_random"].equal(agree[0])
    assert outputs["target_agrees_fourier"].equal(agree[1])
    assert outputs["target_reliable"].equal(agree[0] & agree[1])
    # Both answers occur in both families, or this test would show little.
    assert all(0.02 < mask.float().mean() < 0.999 for mask in agree)


def test_identity_views_make_all_reliable():
    outputs, _ = ReliabilityHook(IDENTITY)(context())
    assert all(outputs[key].all() for key in KEYS - {"target_votes"})


@pytest.mark.parametrize("statistics", ["running", "batch"])
def test_classifiers_vote_too(statistics):
    torch.manual_seed(0)
    models = {
        "G": nn.Sequential(nn.Flatten(), nn.Linear(1024, 4), nn.BatchNorm1d(4)),
        "C": nn.Linear(4, 3),
    }
    outputs, _ = ReliabilityHook(STRONG, statistics)(context(models))
    assert {outputs[key].shape for key in KEYS} == {(4,)}
    if statistics == "running":
        assert outputs["target_votes"].equal(labels_of(models, random_batch()["target_imgs"]))


def test_one_pooled_forward_without_gradient_under_running_statistics():
    models = {name: Counted(module).train() for name, module in tiny_models(norm=True).items()}
    ReliabilityHook()(context(models))
    pooled = 4 * (1 + 2 * 3)
    assert models["G"].calls == [((pooled, 1, 32, 32), False, False)]
    assert len(models["C"].calls) == 1


def test_a_further_view_changes_no_other_views_vote():
    # Of 3 votes the third decides alone where the first two differ: rebuild the votes of 3 views from those of 5.
    few, many = Recorded(), Recorded()
    ReliabilityHook(STRONG)(few.context(views=3))
    ReliabilityHook(STRONG.model_copy(update={"n": 5}))(many.context(views=5))
    clean, random_views, fourier_views = few.labels[0], few.labels[1:4], few.labels[4:7]
    assert many.labels[0].equal(clean)
    assert many.labels[1:4].equal(random_views)
    assert many.labels[6:9].equal(fourier_views)


class Recorded:
    """A context whose head keeps the labels of all views, clean first."""

    def __init__(self):
        self.models = seasoned(tiny_models(norm=True))
        self.models["C"].register_forward_hook(self.keep)
        self.labels = None

    def keep(self, module, args, logits):
        self.labels = logits.argmax(dim=1).unflatten(0, (-1, 4))

    def context(self, views):
        fourier = random_batch(views=5)["fourier_imgs"][:, :views]
        return context(self.models, fourier_imgs=fourier)


def test_voting_leaves_statistics_and_modes_alone():
    models = small_segmenter()
    models["G"].train()
    models["C"].eval()
    models["G"].net.layer3.eval()  # a mixed state, as a method that freezes some layers has
    modes = {name: [m.training for m in module.modules()] for name, module in models.items()}
    before = snapshot(models)
    ReliabilityHook()(context(models))
    after = snapshot(models)
    assert all(before[key].equal(after[key]) for key in before)
    assert modes == {name: [m.training for m in module.modules()] for name, module in models.items()}
    assert True in modes["G"]
    assert False in modes["G"]


def test_modes_are_restored_when_a_model_fails():
    inputs = context()
    inputs["C"] = nn.Conv2d(99, 3, 1)
    with pytest.raises(RuntimeError):
        ReliabilityHook()(inputs)
    assert inputs["G"].training
    assert inputs["G"].norm.training


def test_an_images_votes_do_not_depend_on_its_place_in_the_batch():
    inputs = context()
    order = torch.tensor([2, 0, 3, 1])
    moved = {key: inputs[key][order] for key in ("target_imgs", "target_seeds", "fourier_imgs")}
    outputs, _ = ReliabilityHook(STRONG)(inputs)
    again, _ = ReliabilityHook(STRONG)({**inputs, **moved})
    alone, _ = ReliabilityHook(STRONG)({**inputs, **{key: value[:1] for key, value in moved.items()}})
    for key in KEYS:
        assert again[key].equal(outputs[key][order])
        assert alone[key].equal(again[key][:1])


def test_without_seeds_views_follow_torchs_generator():
    inputs = context()
    del inputs["target_seeds"], inputs["fourier_imgs"]

    def vote(seed):
        torch.manual_seed(seed)
        return ReliabilityHook(STRONG)(inputs)[0]

    first, same, other = vote(1), vote(1), vote(2)
    assert all(first[key].equal(same[key]) for key in KEYS)
    assert not first["target_reliable"].equal(other["target_reliable"])


def test_without_sources_of_its_own_the_batchs_are_drawn():
    inputs = context()
    del inputs["fourier_imgs"]
    inputs["src_imgs"] = inputs["target_imgs"][:1].expand(4, -1, -1, -1)  # whichever is drawn, it is this one
    outputs, _ = ReliabilityHook(STRONG)(inputs)
    own, _ = ReliabilityHook(STRONG)({**inputs, "fourier_imgs": inputs["src_imgs"][:, None].expand(-1, 3, -1, -1, -1)})
    assert outputs["target_agrees_fourier"].equal(own["target_agrees_fourier"])


def test_votes_in_the_context_are_not_cast_again():
    inputs = context({name: Counted(module) for name, module in tiny_models().items()})
    outputs, _ = ReliabilityHook()(inputs)
    assert ReliabilityHook()({**inputs, **outputs}) == ({}, {})
    assert len(inputs["G"].calls) == 1


@pytest.mark.parametrize("random_gradient", [None, "one", "all"])
def test_batch_statistics_run_each_view_by_itself(random_gradient):
    models = {name: Counted(module).train() for name, module in tiny_models(norm=True).items()}
    inputs = context(models)
    outputs, _ = ReliabilityHook(STRONG, "batch", random_gradient)(inputs)
    shapes, modes, gradients = zip(*models["G"].calls, strict=True)
    assert set(shapes) == {(4, 1, 32, 32)}
    assert set(modes) == {True}
    with_gradient = {None: 0, "one": 1, "all": 3}[random_gradient]
    assert sum(gradients) == with_gradient
    assert sum(not g for g in gradients) == {None: 7, "one": 7, "all": 4}[random_gradient]
    if random_gradient:
        logits = outputs["target_random_logits"]
        assert logits.shape == (with_gradient, 4, 3, 32, 32)
        assert logits.requires_grad
        last = views_of(inputs, STRONG, 3)[0][-1]
        torch.testing.assert_close(logits[-1], models["C"].module(models["G"].module(last)))
    else:
        assert "target_random_logits" not in outputs


def test_batch_votes_by_hand():
    models = tiny_models(norm=True)
    inputs = context(models)
    outputs, _ = ReliabilityHook(STRONG, "batch", "all")(inputs)
    votes = []
    for images in ([inputs["target_imgs"]], *views_of(inputs, STRONG, 3)):
        with torch.no_grad():
            votes.append(torch.stack([models["C"](models["G"](view)).argmax(dim=1) for view in images]))
    clean = votes[0][0]
    assert outputs["target_votes"].equal(clean)
    assert outputs["target_agrees_random"].equal((votes[1] == clean).sum(dim=0) >= 2)
    assert outputs["target_agrees_fourier"].equal((votes[2] == clean).sum(dim=0) >= 2)


def test_batch_votes_take_the_clean_prediction_from_the_context():
    models = {name: Counted(module).train() for name, module in tiny_models(norm=True).items()}
    logits = torch.randn(4, 3, 32, 32)
    outputs, _ = ReliabilityHook(STRONG, "batch", "all")(context(models, target_imgs_features_logits=logits))
    assert outputs["target_votes"].equal(logits.argmax(dim=1))
    assert len(models["G"].calls) == 6


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"views": ViewSettings.model_construct(n=4)}, "views.n=4"),
        ({"statistics": "own"}, "statistics='own'"),
        ({"random_gradient": "two"}, "random_gradient='two'"),
    ],
)
def test_faults_are_named(arguments, fault):
    with pytest.raises(ValueError, match=fault):
        ReliabilityHook(**arguments)
