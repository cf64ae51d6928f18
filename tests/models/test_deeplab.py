import pickle
from pathlib import Path

import pytest
import timm
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn
from toys import small_segmenter

from seasa_da.config import ModelSettings
from seasa_da.errors import UserError
from seasa_da.models import DeepLabTrunk, DilatedHead, Segmenter, build_segmenter, freeze_batch_norm_affine


@pytest.mark.parametrize(
    ("backbone", "stem_pool", "size", "expected"),
    [
        ("resnet18", "ceil", 256, 33),
        ("resnet18", "floor", 256, 32),
        ("resnet18", "none", 64, 16),
        ("test_resnet", "none", 64, 16),
        ("test_resnet", "none", 32, 8),
    ],
)
def test_feature_maps(backbone, stem_pool, size, expected):
    trunk = DeepLabTrunk(backbone, 1, stem_pool=stem_pool).eval()
    with torch.no_grad():
        conv5, conv4 = trunk(torch.zeros(1, 1, size, size), levels=True)
        assert trunk(torch.zeros(1, 1, size, size)).equal(conv5)
    assert conv5.shape == (1, trunk.channels[0], expected, expected)
    assert conv4.shape == (1, trunk.channels[1], expected, expected)


@pytest.mark.parametrize("backbone", ["resnet18", "resnet26", "test_resnet"])  # basic blocks, bottlenecks, both
def test_every_3x3_convolution_of_the_last_layers_is_dilated(backbone):
    net = DeepLabTrunk(backbone, 1).net
    for layer, dilation in ((net.layer2, 1), (net.layer3, 2), (net.layer4, 4)):
        wide = [m for m in layer.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
        assert wide
        assert {m.dilation for m in wide} == {m.padding for m in wide} == {(dilation, dilation)}
    for layer in (net.layer3, net.layer4):
        assert {m.stride for m in layer.modules() if isinstance(m, nn.Conv2d)} == {(1, 1)}


@pytest.mark.parametrize(("backbone", "size"), [("resnet18", 64), ("test_resnet", 32)])
def test_from_random_weights_every_convolution_learns(backbone, size):
    torch.manual_seed(0)
    models = build_segmenter(
        ModelSettings(backbone=backbone, stem_pool="none", head_dilations=(1, 2)),
        in_channels=1,
        num_classes=3,
        size=(size, size),
        weights=None,
    )
    conv5, conv4 = models["G"](torch.randn(2, 1, size, size), levels=True)
    labels = torch.randint(3, (2, size, size))
    (F.cross_entropy(models["C"](conv5), labels) + F.cross_entropy(models["C_aux"](conv4), labels)).backward()
    convolutions = {name: m for name, m in models["G"].named_modules() if isinstance(m, nn.Conv2d)}
    assert len(convolutions) >= 11
    assert not [name for name, m in convolutions.items() if not m.weight.grad.abs().max() > 0]
    assert all(
        p.grad is not None and p.grad.abs().max() > 0 for name in ("C", "C_aux") for p in models[name].parameters()
    )


@pytest.mark.parametrize(
    ("backbone", "stem_pool", "size"),
    [("resnet18", "ceil", 256), ("test_resnet", "none", 32), ("resnet26", "floor", 64)],
)
def test_taps_are_three_layers_of_one_size(backbone, stem_pool, size):
    torch.manual_seed(0)
    trunk = DeepLabTrunk(backbone, 1, stem_pool=stem_pool).eval()
    images = torch.rand(1, 1, size, size) * 2 - 1
    seen = []
    trunk.net.layer2.register_forward_hook(lambda *call: seen.append(call[2].clone()))
    with torch.no_grad():
        layer2, layer3, layer4 = trunk(images, taps=True)
        conv5, conv4 = trunk(images, levels=True)
    assert layer2.equal(seen[0]) and layer3.equal(conv4) and layer4.equal(conv5)
    assert len({level.shape[2:] for level in (layer2, layer3, layer4)}) == 1


def test_taps_carry_the_same_gradients():
    trunk, images = DeepLabTrunk("test_resnet", 1, stem_pool="none").eval(), torch.randn(2, 1, 32, 32)
    found = []
    for one in (trunk(images, taps=True)[-1], trunk(images)):
        trunk.zero_grad()
        one.square().sum().backward()
        found.append([p.grad.clone() for p in trunk.parameters()])
    assert all(a.equal(b) for a, b in zip(*found, strict=True))


def test_the_layers_up_to_one():
    net = (trunk := DeepLabTrunk("test_resnet", 1, stem_pool="none")).net
    assert trunk.up_to("layer2")[-2:] == [net.layer1, net.layer2]
    assert trunk.up_to("layer3") == [*trunk.up_to("layer2"), net.layer3]
    rest = {id(p) for layer in (net.layer3, net.layer4) for p in layer.parameters()}
    early = {id(p) for layer in trunk.up_to("layer2") for p in layer.parameters()}
    assert not early & rest and early | rest == {id(p) for p in trunk.parameters()}


def test_a_random_start_sees_the_image_as_it_is():
    trunk = DeepLabTrunk("test_resnet", 1, stem_pool="none").eval()
    images = torch.rand(2, 1, 32, 32) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(trunk(images), trunk.net(images)[1])


def test_a_head_is_the_sum_of_its_branches():
    torch.manual_seed(0)
    head = DilatedHead(5, 3, dilations=(1, 2, 4))
    features = torch.randn(2, 5, 9, 9)
    expected = torch.zeros(2, 3, 9, 9)
    for branch, dilation in zip(head.branches, (1, 2, 4), strict=True):
        # The same kernel written out with its zeros, so that no convolution here is dilated.
        kernel = torch.zeros(3, 5, 2 * dilation + 1, 2 * dilation + 1)
        kernel[:, :, ::dilation, ::dilation] = branch.weight.detach()
        nn.init.normal_(branch.bias)
        expected += F.conv2d(F.pad(features, [dilation] * 4), kernel) + branch.bias.detach()[:, None, None]
    torch.testing.assert_close(head(features), expected, atol=1e-5, rtol=1e-5)


def test_a_heads_logits_are_upsampled_with_aligned_corners():
    torch.manual_seed(0)
    head = DilatedHead(2, 3, dilations=(1,), output_size=(5, 5))
    features = torch.randn(1, 2, 3, 3)
    fine = head(features)
    head.output_size = None
    coarse = head(features)
    # Cells of 3x3 lie on every second pixel of 5x5; the pixels between are their neighbours' means.
    torch.testing.assert_close(fine[..., ::2, ::2], coarse)
    torch.testing.assert_close(fine[..., 1, 0], (coarse[..., 0, 0] + coarse[..., 1, 0]) / 2)
    torch.testing.assert_close(fine[..., 3, 3], coarse[..., 1:, 1:].mean(dim=(2, 3)))


def test_a_heads_fresh_weights():
    head = DilatedHead(256, 5)
    assert [branch.dilation for branch in head.branches] == [(6, 6), (12, 12), (18, 18), (24, 24)]
    weights = torch.cat([branch.weight.flatten() for branch in head.branches])
    assert weights.std().item() == pytest.approx(0.01, rel=0.05)
    assert all(branch.bias.eq(0).all() for branch in head.branches)


def test_segmenter_gives_the_main_heads_logits():
    models = small_segmenter()
    images = torch.rand(2, 1, 32, 32)
    segmenter = Segmenter(models).eval()
    with torch.no_grad():
        logits = segmenter(images)
        assert logits.shape == (2, 3, 32, 32)
        assert logits.equal(models["C"](models["G"](images)))


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory):
    """A timm model with its classifier, saved both ways; its batch norm's scales are not timm's zeros."""
    torch.manual_seed(1)
    net = timm.create_model("test_resnet", zero_init_last=False)
    folder = tmp_path_factory.mktemp("weights")
    save_file(net.state_dict(), folder / "net.safetensors")
    torch.save(net.state_dict(), folder / "net.pth")
    return net, folder


@pytest.mark.parametrize("name", ["net.safetensors", "net.pth"])
def test_weights_are_loaded(imagenet, name):
    net, folder = imagenet
    trunk = DeepLabTrunk("test_resnet", 1, stem_pool="none", weights=folder / name)
    loaded, saved = trunk.net.state_dict(), net.state_dict()
    assert saved.keys() - loaded.keys() == {"fc.weight", "fc.bias"}
    assert loaded
    assert all(value.equal(saved[key]) for key, value in loaded.items())


@pytest.mark.parametrize("channels", [1, 3])
def test_with_weights_images_are_normalised_as_the_weights_want(tmp_path, channels):
    torch.manual_seed(0)
    net = timm.create_model("resnet10t", zero_init_last=False)
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    trunk = DeepLabTrunk("resnet10t", channels, stem_pool="none", weights=tmp_path / "net.safetensors").eval()
    images = torch.rand(2, channels, 32, 32) * 2 - 1
    cfg = net.pretrained_cfg
    rgb = torch.cat([images] * (3 // channels), dim=1)
    for channel in range(3):
        rgb[:, channel] = ((rgb[:, channel] + 1) / 2 - cfg["mean"][channel]) / cfg["std"][channel]
    with torch.no_grad():
        torch.testing.assert_close(trunk(images), trunk.net(rgb)[1], atol=1e-5, rtol=1e-5)


def test_resnet101_wants_imagenets_normalisation():
    from seasa_da.models.deeplab import _normalisation

    assert _normalisation("resnet101", 3) == ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


@pytest.mark.parametrize(
    ("setting", "with_weights", "trainable"),
    [("auto", False, True), ("auto", True, False), ("yes", False, False), ("no", True, True)],
)
def test_batch_norm_affine_is_frozen_where_weights_were_loaded(imagenet, setting, with_weights, trainable):
    settings = ModelSettings(backbone="test_resnet", stem_pool="none", head_dilations=(1,), freeze_affine=setting)
    weights = str(imagenet[1] / "net.safetensors") if with_weights else None
    models = build_segmenter(settings, in_channels=1, num_classes=3, size=(32, 32), weights=weights)
    norms = [m for m in models["G"].modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) > 10
    assert {p.requires_grad for m in norms for p in m.parameters()} == {trainable}
    others = [p for m in models["G"].modules() if isinstance(m, nn.Conv2d) for p in m.parameters()]
    assert all(p.requires_grad for p in others)


def test_frozen_affine_still_follows_the_statistics():
    models = small_segmenter(freeze_affine="yes")
    norms = [m for m in models["G"].modules() if isinstance(m, nn.BatchNorm2d)]
    before = [m.running_mean.clone() for m in norms]
    models["G"].train()(torch.randn(4, 1, 32, 32)).sum().backward()
    assert not any(m.running_mean.equal(old) for m, old in zip(norms, before, strict=True))
    assert all(p.grad is None for m in norms for p in m.parameters())


def test_freezing_leaves_what_is_no_batch_norm():
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.GroupNorm(1, 2))
    freeze_batch_norm_affine(net)
    assert [p.requires_grad for p in net.parameters()] == [True, True, False, False, True, True]


class Runs:
    """What a hostile pickle does when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def _faulty_weights(kind, folder):
    path = folder / ("net.safetensors" if "safetensors" in kind else "net.pth")
    if kind == "another network":
        torch.save(timm.create_model("resnet10t").state_dict(), path)
    elif kind == "another network.safetensors":
        save_file(timm.create_model("resnet10t").state_dict(), path)
    elif kind.startswith("garbage"):
        path.write_bytes(b"not weights at all\nbut lines of text" * 10)
    elif kind.startswith("empty"):
        path.touch()
    elif kind == "truncated.safetensors":
        save_file(timm.create_model("test_resnet").state_dict(), path)
        path.write_bytes(path.read_bytes()[:5000])
    elif kind == "truncated":
        torch.save(timm.create_model("test_resnet").state_dict(), path)
        path.write_bytes(path.read_bytes()[:5000])
    elif kind == "list":
        torch.save([torch.zeros(2)], path)
    elif kind == "hostile":
        torch.save({"weight": Runs(folder / "ran")}, path)
    elif kind == "hostile old":
        path.write_bytes(pickle.dumps(Runs(folder / "ran")))
    elif kind == "folder":
        path.mkdir()
    return path


@pytest.mark.parametrize(
    "kind",
    [
        "missing",
        "folder",
        "another network",
        "another network.safetensors",
        "garbage",
        "garbage.safetensors",
        "empty",
        "empty.safetensors",
        "truncated",
        "truncated.safetensors",
        "list",
        "hostile",
        "hostile old",
    ],
)
def test_weights_that_do_not_fit_are_refused_in_one_line(tmp_path, kind):
    path = _faulty_weights(kind, tmp_path)
    with pytest.raises(UserError) as caught:
        DeepLabTrunk("test_resnet", 1, weights=path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("backbone", ["resnet1011", "no such net", "test_vit", "test_efficientnet", "resnetv2_50", ""])
def test_backbones_that_are_no_resnet_are_refused_in_one_line(backbone):
    with pytest.raises(UserError) as caught:
        DeepLabTrunk(backbone, 1)
    assert "model.backbone" in str(caught.value)
    assert "\n" not in str(caught.value)
