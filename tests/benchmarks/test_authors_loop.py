"""The reference that `ours` is timed against does what it is said to do, no less work and no more."""

import pytest
import torch


@pytest.fixture
def loop_of(scripts):
    from authors_loop import AuthorsLoop, with_views
    from stages import CLASSES, build, stages_of

    def made(n, precision="no"):
        stages, settings = stages_of("ours", "smoke", [f"views.n={n}"])
        adapter, batch = build(stages, 0, settings)
        loop = AuthorsLoop(dict(adapter.models.items()), dict(adapter.optimizers.items()), CLASSES, n, precision)
        return loop, adapter, with_views(batch, n)

    return made


@pytest.mark.parametrize(("n", "forwards"), [(3, 9), (5, 13)])
def test_its_forwards_with_gradients_are_those_of_the_authors(loop_of, n, forwards):
    loop, _, batch = loop_of(n)
    seen = []
    loop.models["G"].register_forward_pre_hook(lambda module, args, _: seen.append(args[0]), with_kwargs=True)
    loop.models["G"].register_forward_hook(lambda module, args, found: seen.append(found[0].requires_grad))
    loop(batch)
    images, with_gradient = seen[::2], seen[1::2]
    assert len(images) == forwards  # 2N views, the source, the target twice
    assert all(with_gradient)
    assert all(one.shape == batch["target_imgs"].shape for one in images)


def test_its_views_are_of_the_target(loop_of):
    loop, _, batch = loop_of(3)
    target, src = batch["target_imgs"], batch["src_imgs"]
    fourier = loop._fourier_view(target, src)
    assert fourier.shape == target.shape
    # the phase is the target's: what is outside the window is untouched
    spectrum, other = torch.fft.fft2(fourier), torch.fft.fft2(target)
    assert torch.allclose(spectrum[..., 8:-8, 8:-8], other[..., 8:-8, 8:-8], atol=1e-3)
    assert not torch.allclose(spectrum[..., 0, 0].abs(), other[..., 0, 0].abs(), rtol=1e-3)
    views = batch["random_views"]
    assert views.shape == (3, *target.shape)
    assert views.min() >= -1
    assert views.max() <= 1
    # brightness and contrast keep the order of an image's grey values where nothing was cut
    flat, view = target[1].flatten(), views[0, 1].flatten()
    inside = (view > -0.99) & (view < 0.99)
    order = flat[inside].argsort()
    assert (view[inside][order].diff() >= -1e-5).all()


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_it_moves_all_networks(loop_of, precision):
    loop, adapter, batch = loop_of(3, precision)
    before = {name: [p.clone() for p in model.parameters()] for name, model in adapter.models.items()}
    read = loop(batch)
    assert all(isinstance(value, float) and value == value for value in read.values())
    assert read.keys() == {"entropy of the reliable", "of the unreliable"}
    for name, model in adapter.models.items():
        assert any(not p.equal(q) for p, q in zip(model.parameters(), before[name], strict=True)), name
