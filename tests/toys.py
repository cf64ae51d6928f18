"""Small networks, batches and counters for the tests of models, hooks, adapters and training."""

import torch
from torch import nn

from seasa_da.adapters import StageContext
from seasa_da.config import ModelSettings, compose
from seasa_da.models import build_segmenter
from seasa_da.registry import find_addon, find_method

SIZE = 32
CLASSES = 3
SMALL = ModelSettings(backbone="test_resnet", stem_pool="none", head_dilations=(1, 2))


def small_segmenter(seed=0, **settings):
    """`G`, `C` and `C_aux` on timm's test_resnet for one-channel slices of 32x32."""
    torch.manual_seed(seed)
    model = SMALL.model_copy(update=settings)
    return build_segmenter(model, in_channels=1, num_classes=CLASSES, size=(SIZE, SIZE), weights=None)


def random_batch(n=4, views=3, seed=0, size=SIZE):
    """Images, labels, seeds and Fourier sources, all random."""
    generator = torch.Generator().manual_seed(seed)

    def images(*shape):
        return torch.rand(*shape, 1, size, size, generator=generator) * 2 - 1

    return {
        "src_imgs": images(n),
        "src_labels": torch.randint(CLASSES, (n, size, size), generator=generator),
        "target_imgs": images(n),
        "target_seeds": torch.arange(n) + 100 * seed,
        "fourier_imgs": images(n, views),
    }


class TinyTrunk(nn.Module):
    """A trunk of two convolutions, without batch norm unless asked: (N, 1, H, W) to 4 (and 3) channels, H/2 x W/2."""

    channels = (4, 3)

    def __init__(self, norm=False):
        super().__init__()
        self.conv4 = nn.Conv2d(1, 3, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(3) if norm else nn.Identity()
        self.conv5 = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, images, levels=False):
        conv4 = torch.tanh(self.norm(self.conv4(images)))
        conv5 = torch.tanh(self.conv5(conv4))
        return (conv5, conv4) if levels else conv5


class TinyHead(nn.Module):
    """A 1x1 convolution and upsampling by two."""

    def __init__(self, channels, classes=CLASSES):
        super().__init__()
        self.conv = nn.Conv2d(channels, classes, 1)

    def forward(self, features):
        return nn.functional.interpolate(self.conv(features), scale_factor=2, mode="bilinear", align_corners=True)


def tiny_models(norm=False, seed=0):
    """`G`, `C`, `C_aux` of a few dozen weights, with logits that disagree between pixels."""
    torch.manual_seed(seed)
    trunk = TinyTrunk(norm)
    models = {"G": trunk, "C": TinyHead(4), "C_aux": TinyHead(3)}
    for name in ("C", "C_aux"):
        nn.init.normal_(models[name].conv.weight, std=3.0)
    return models


class Counted(nn.Module):
    """Counts the forwards of a module and keeps the shapes and the mode it was called in."""

    def __init__(self, module):
        super().__init__()
        self.module = module
        self.calls = []

    def forward(self, *args, **kwargs):
        self.calls.append((tuple(args[0].shape), self.module.training, torch.is_grad_enabled()))
        return self.module(*args, **kwargs)


def snapshot(modules):
    """A copy of all parameters and buffers, by module and name."""
    return {
        f"{name}.{key}": value.clone() for name, module in modules.items() for key, value in module.state_dict().items()
    }


def changed(before, after):
    """The names whose values differ."""
    assert before.keys() == after.keys()
    return {name for name in before if not before[name].equal(after[name])}


def compose_run(method, addons=(), overrides=()):
    """Settings of the smoke preset, as `seasa-da train` composes them, and the method's stages."""
    spec = find_method(method)
    sections = dict(spec.sections)
    for name in addons:
        sections.update(find_addon(name).sections)
    top = {"method": method, "addons": tuple(addons), "seed": 0, "preset": "smoke"}
    settings = compose(top, sections, recipes=spec.recipes, overrides=overrides)
    return settings, spec.load_stages()(settings)


def build_adapter(method, addons=(), overrides=(), *, models=None, stage=-1, seed=0):
    """The adapter of a method's last stage (or of another), from initial weights, in the mode it is trained in."""
    settings, stages = compose_run(method, addons, overrides)
    models = small_segmenter(seed) if models is None else models
    context = StageContext(settings, CLASSES, models["G"].channels[0], (1, SIZE, SIZE), models)
    for one in stages[: len(stages) + stage + 1 if stage < 0 else stage + 1]:
        torch.manual_seed(seed + 1)
        adapter = one.build(context)
    adapter.train_mode()
    return adapter


def toy_pair(n=4, seed=0):
    """Discs and squares on a ground: bright in the source, dark in the target; what the labels say is learnable."""
    generator = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    labels = torch.zeros(2 * n, SIZE, SIZE, dtype=torch.int64)
    for one in labels:
        cy, cx = torch.randint(8, 24, (2,), generator=generator).tolist()
        one[((y - cy).abs() < 5) & ((x - cx).abs() < 5)] = 1
        one[(y - 31 + cy) ** 2 + (x - 31 + cx) ** 2 < 25] = 2
    images = torch.tensor([-0.6, 0.2, 0.8])[labels][:, None] + 0.1 * torch.randn(
        2 * n, 1, SIZE, SIZE, generator=generator
    )
    return {
        "src_imgs": images[:n],
        "src_labels": labels[:n],
        "target_imgs": -images[n:],
        "target_seeds": torch.arange(n),
        "fourier_imgs": images[:n, None].expand(-1, 5, -1, -1, -1).contiguous(),
    }
