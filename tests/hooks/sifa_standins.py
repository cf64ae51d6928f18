"""Networks of one number each, whose answers are easy to follow."""

import torch
from torch import nn
from toys import random_batch

from seasa_da.models import ImagePool


class Times(nn.Module):
    """Images times a number."""

    def __init__(self, factor):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(float(factor)))

    def forward(self, images):
        return self.factor * images


class Encoder(Times):
    """The image times a number; the lower level is the image times twice that."""

    def forward(self, images, levels=False):
        high = self.factor * images
        return (high, 2 * high) if levels else high


class Adding(nn.Module):
    """A decoder: image + factor * features."""

    def __init__(self, factor):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(float(factor)))

    def forward(self, features, images):
        return images + self.factor * features


class TwoScores(Times):
    """The image times a number, and minus that."""

    def forward(self, images):
        return torch.cat([self.factor * images, -self.factor * images], dim=1)


def context(**more):
    """G_ST doubles, G takes a tenth, the decoder adds ten times the features: e + d doubles, too."""
    networks = {"G_ST": Times(2), "G": Encoder(0.1), "decoder": Adding(10), "D_S": TwoScores(3), "D_T": Times(5)}
    heads = {"C": Times(7), "C_aux": Times(11), "D": Times(0.5), "D_aux": Times(0.25)}
    pools = {name: ImagePool(2, (1, 32, 32), name) for name in ("pool_S", "pool_T")}
    return {**random_batch(2), **networks, **heads, **pools, **more}


def with_gradient(found, names):
    """Which of the named modules have one."""
    return {name for name in names if any(p.grad is not None for p in found[name].parameters())}
