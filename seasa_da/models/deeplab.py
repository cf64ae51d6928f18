"""DeepLabV2 on a timm ResNet trunk, as the two parts that pytorch-adapt calls `G` and `C`.

Paper: Chen et al., "DeepLab: Semantic Image Segmentation with Deep Convolutional Nets, Atrous Convolution, and Fully
Connected CRFs", TPAMI 2018; the two-head form of Tsai et al., CVPR 2018 (heads on conv4 and conv5).

From the papers: output stride 8; every 3x3 convolution of layer3 dilated by 2, of layer4 by 4; a head is the sum of
parallel 3x3 convolutions, dilation = padding, with bias, weights from N(0, 0.01); logits are upsampled bilinearly
with aligned corners. From the authors' code: ceil-mode pooling in the stem (33x33 features from 256x256).
Changed: the trunk is timm's, so a bottleneck strides on its 3x3 convolution where the Caffe original strides on its
first 1x1; all four branches are summed (AdaptSegNet's code returns after two).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seasa_da.errors import UserError

LEVELS = ("layer3", "layer4")
TAPS = ("layer2", "layer3", "layer4")


class DeepLabTrunk(nn.Module):
    """The trunk `G`: images `(N, C, H, W)` in [-1, 1] to conv5 features `(N, D, h, w)`.

    With `levels=True` it returns `(conv5, conv4)`, with `taps=True` what comes out of layer2, layer3 (conv4) and layer4
    (conv5), all three in one size. `channels` are those of (conv5, conv4).

    Args:
        backbone: name of a timm ResNet.
        in_channels: image channels.
        stem_pool: "ceil" (DeepLabV2), "floor" (timm's own) or "none" (drops the pool: stride 4 in all, for small
            slices).
        weights: a local file of ImageNet weights, or `None` for a random start. With weights a one-channel image is
            repeated to three and normalised as the weights want; without, the image goes in as it is.
        load: read the file; `False` gives the same network with random weights, to be filled from a checkpoint.

    Raises:
        UserError: unknown backbone, one that is no ResNet, or a weights file that does not fit.
    """

    def __init__(
        self,
        backbone: str,
        in_channels: int,
        *,
        stem_pool: str = "ceil",
        weights: str | Path | None = None,
        load: bool = True,
    ) -> None:
        super().__init__()
        self.expands = weights is not None and in_channels == 1
        self.net = _timm_trunk(backbone, 3 if self.expands else in_channels, weights if load else None)
        _set_dilation(self.net.layer3, 2)
        _set_dilation(self.net.layer4, 4)
        _set_stem_pool(self.net, stem_pool)
        conv4, conv5 = self.net.feature_info.channels()
        self.channels: tuple[int, int] = (conv5, conv4)
        mean, std = _normalisation(backbone, 3 if self.expands else in_channels) if weights else ([0.5], [0.5])
        # [-1, 1] to what the weights saw: ((x + 1) / 2 - mean) / std; the identity for a random start
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)
        self.mean: Tensor
        self.std: Tensor

    def forward(self, images: Tensor, levels: bool = False, taps: bool = False) -> Tensor | tuple[Tensor, ...]:
        if self.expands:
            images = images.expand(-1, 3, -1, -1)
        images = ((images + 1) / 2 - self.mean) / self.std
        if taps:
            return self._taps(images)
        conv4, conv5 = self.net(images)
        return (conv5, conv4) if levels else conv5

    def up_to(self, last: str) -> list[nn.Module]:
        """The layers from the stem to the one called `last` ("layer2", say), in their order."""
        names = list(self.net)
        return [self.net[name] for name in names[: names.index(last) + 1]]

    def _taps(self, features: Tensor) -> tuple[Tensor, ...]:
        found = []
        for name, layer in self.net.items():
            features = layer(features)
            if name in TAPS:
                found.append(features)
        return tuple(found)


class DilatedHead(nn.Module):
    """A head `C`: features `(N, D, h, w)` to logits `(N, K, H, W)`, the sum of parallel dilated 3x3 convolutions.

    Args:
        in_channels: `D`.
        num_classes: `K`, background included.
        dilations: one branch each; DeepLabV2 has (6, 12, 18, 24).
        output_size: `(H, W)` the logits are upsampled to (bilinear, aligned corners); `None` leaves them as they are.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        dilations: tuple[int, ...] = (6, 12, 18, 24),
        output_size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        branches = [
            nn.Conv2d(in_channels, num_classes, kernel_size=3, padding=dilation, dilation=dilation)
            for dilation in dilations
        ]
        for branch in branches:
            nn.init.normal_(branch.weight, std=0.01)
            branch.bias.data.zero_()  # type: ignore[union-attr]  # made with a bias
        self.branches = nn.ModuleList(branches)
        self.output_size = output_size

    def forward(self, features: Tensor) -> Tensor:
        logits = torch.stack([branch(features) for branch in self.branches]).sum(dim=0)
        if self.output_size is None:
            return logits
        return F.interpolate(logits, size=self.output_size, mode="bilinear", align_corners=True)


def freeze_batch_norm_affine(module: nn.Module) -> None:
    """Stop training the scale and shift of every batch norm; running statistics still follow the data.

    Meant for trunks that started from weights: from a random start most convolutions would get no gradient.
    """
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.weight.requires_grad_(False)
            layer.bias.requires_grad_(False)


def _timm_trunk(backbone: str, in_channels: int, weights: str | Path | None) -> Any:
    import timm

    if not timm.is_model(backbone):
        known = ", ".join(timm.list_models(f"*{backbone[:6]}*")[:5]) or "resnet18, resnet50, resnet101, test_resnet"
        raise UserError(f"timm has no model {backbone!r}; model.backbone may be, for example, {known}")
    options: dict[str, Any] = {}
    if weights is not None:
        if not Path(weights).is_file():
            raise UserError(f"weights file {weights} does not exist; give a local file of {backbone} weights")
        options = {"pretrained": True, "pretrained_cfg_overlay": {"file": str(weights)}}
    elif "resnet" in backbone:
        # timm's zero start of each block's last norm leaves most convolutions of a random net without gradient
        options = {"zero_init_last": False}
    try:
        net = timm.create_model(
            backbone, features_only=True, output_stride=8, out_indices=(3, 4), in_chans=in_channels, **options
        )
    except (RuntimeError, ValueError, KeyError, TypeError, EOFError, OSError, AssertionError) as error:
        if weights is None:
            raise UserError(f"{backbone} cannot be a DeepLab trunk ({error}); model.backbone wants a ResNet") from error
        raise UserError(f"weights file {weights} does not fit {backbone}: {_first_line(error)}") from error
    except Exception as error:  # torch's and safetensors' unpicklers raise their own classes
        if weights is None:
            raise
        raise UserError(f"weights file {weights} cannot be read: {_first_line(error)}") from error
    if not all(hasattr(net, layer) for layer in LEVELS):
        raise UserError(f"{backbone} has no layer3 and layer4; model.backbone wants a ResNet such as resnet50")
    return net


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _normalisation(backbone: str, channels: int) -> tuple[list[float], list[float]]:
    from timm.models import get_pretrained_cfg

    cfg = get_pretrained_cfg(backbone)
    mean = list(cfg.mean) if cfg else [0.485, 0.456, 0.406]
    std = list(cfg.std) if cfg else [0.229, 0.224, 0.225]
    if channels == 3:
        return mean, std
    return [sum(mean) / 3], [sum(std) / 3]


def _set_dilation(layer: nn.Module, dilation: int) -> None:
    # timm's first block of a dilated layer keeps the former dilation; DeepLabV2 has the new one in every block
    for module in layer.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
            module.dilation = (dilation, dilation)
            module.padding = (dilation, dilation)


def _set_stem_pool(net: Any, stem_pool: str) -> None:
    if stem_pool == "floor":
        return
    if not hasattr(net, "maxpool"):
        raise UserError("this backbone has no max-pool in its stem; set model.stem_pool=floor")
    if stem_pool == "none":
        net.maxpool = nn.Identity()
        return
    pools = [module for module in net.maxpool.modules() if isinstance(module, nn.MaxPool2d)]
    if not pools:
        raise UserError("the backbone's stem pool knows no ceil mode; set model.stem_pool=floor")
    for pool in pools:
        pool.ceil_mode = True
