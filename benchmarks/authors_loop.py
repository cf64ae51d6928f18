"""The step of the SE_ASA authors' loop, to be timed against ours.

Written from the description in this project's notes on that code (facts read, nothing copied): N randomly transformed
and N Fourier views, one at a time, each its own train-mode forward that makes a graph; a second forward of the clean
target image; the Fourier views by NumPy on the host, all of the spectrum; masks and prototypes by one-hot maps; the
host reads numbers back for each class that is looked for, for the losses and for the masks. At N = 5 these are 13
forwards with gradients, at N = 3 nine. The Fourier views' gradients are used for nothing, but the last one's graph, and
that of the second forward, are there until the gradients have been computed, as nothing lets go of them.

As theirs are made by the loader's processes, randomly transformed views come with the batch (`with_views`), and images
come from the host. Left out, in the authors' favour: three emptyings of the GPU's cache in a step, Fourier transforms
of three equal channels and in both directions, an entropy that is computed and added to nothing.

Network, losses, optimisers and batch are ours, so that what is compared is the way a step is carried out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seasa_da.layers import SegmentationLoss, entropy_map

WINDOW = 2
"""Half side of the swapped square of the spectrum: 5x5, the code's."""


def with_views(batch: Mapping[str, Tensor], n: int) -> dict[str, Tensor]:
    """What the authors' loader hands over: the batch on the host, with `random_views` `(n, B, 1, H, W)`.

    Brightness and contrast on grey values of 8 bits, image by image.
    """
    random = np.random.default_rng(0)
    host = {name: value.cpu() for name, value in batch.items()}
    views = []
    for image in ((host["target_imgs"].numpy() + 1) * 127.5).astype(np.uint8).repeat(n, axis=0):
        brightness, contrast = random.uniform(0.1, 1.9, 2)
        bright = np.clip(image * brightness, 0, 255)
        views.append(np.clip((bright - bright.mean()) * contrast + bright.mean(), 0, 255).astype(np.uint8))
    jittered = torch.from_numpy(np.stack(views).astype(np.float32) / 127.5 - 1)
    return {**host, "random_views": jittered.unflatten(0, (-1, n)).transpose(0, 1).contiguous()}


class AuthorsLoop:
    """One update a call, of a batch of `with_views`.

    Args:
        models: `G`, `C`, `C_aux`, `D`, `D_aux`, in training mode.
        optimizers: `G` and `D`.
        num_classes: with background.
        n: views a family.
        precision: "no", or "bf16" for autocast of the forwards.
    """

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
        num_classes: int,
        n: int,
        precision: str = "no",
    ) -> None:
        self.models, self.optimizers, self.num_classes, self.n = models, optimizers, num_classes, n
        self.precision = precision
        self.device = next(models["G"].parameters()).device
        self.loss = SegmentationLoss(num_classes)
        self.prototypes: dict[str, Tensor] = {}
        self.random = np.random.default_rng(0)

    def __call__(self, batch: Mapping[str, Tensor]) -> dict[str, float]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            return self._step(batch)

    def _step(self, batch: Mapping[str, Tensor]) -> dict[str, float]:
        critics = [self.models["D"], self.models["D_aux"]]
        for optimizer in self.optimizers.values():
            optimizer.zero_grad()
        self._train_critics(critics, False)

        src, labels = batch["src_imgs"].to(self.device), batch["src_labels"].to(self.device)
        src_features, src_main, src_aux = self._predict(src)
        main, aux = self.loss(src_main.float(), labels), self.loss(src_aux.float(), labels)
        total = main.total + 0.1 * aux.total

        target = batch["target_imgs"].to(self.device)
        features, target_main, target_aux = self._predict(target)
        adversarial = 0.003 * self._judge(critics[0], target_main, 0) + 2e-5 * self._judge(critics[1], target_aux, 0)
        alignment = self._align(src_features, labels, features, target_main.argmax(dim=1))
        selective, kept = self._selective_entropy(batch, target)
        read = {"entropy of the reliable": selective[0].item(), "of the unreliable": selective[1].item()}
        with torch.autocast(self.device.type, enabled=False):
            (total + adversarial + 0.1 * alignment + selective[0] - selective[1]).backward()
        del kept

        self._train_critics(critics, True)
        for critic, there, here in ((critics[0], src_main, target_main), (critics[1], src_aux, target_aux)):
            for logits, domain in ((there, 0), (here, 1)):
                loss = 0.5 * self._judge(critic, logits.detach(), domain)
                with torch.autocast(self.device.type, enabled=False):
                    loss.backward()
        for optimizer in self.optimizers.values():
            optimizer.step()
        return read

    def _predict(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Both heads, as the authors' network always gives both."""
        conv5, conv4 = self.models["G"](images, levels=True)
        return conv5, self.models["C"](conv5), self.models["C_aux"](conv4)

    def _judge(self, critic: nn.Module, logits: Tensor, domain: int) -> Tensor:
        found = critic(logits.float()).float()
        return F.binary_cross_entropy_with_logits(found, torch.full_like(found, float(domain)))

    def _align(self, src: Tensor, labels: Tensor, tgt: Tensor, predicted: Tensor) -> Tensor:
        pairs = {"src": (src, labels), "tgt": (tgt, predicted)}
        for name, (features, classes) in pairs.items():
            small = F.interpolate(classes[:, None].float(), size=features.shape[2:], mode="nearest")[:, 0].long()
            one_hot = F.one_hot(small, self.num_classes).permute(0, 3, 1, 2).float()
            centres = []
            for number in range(self.num_classes):
                mask = one_hot[:, number : number + 1]
                count = mask.sum()
                centre = (features.float() * mask).sum(dim=(0, 2, 3)) / count.clamp(min=1)
                known = self.prototypes.get(name)
                centres.append(centre if count.item() or known is None else known[number])
            mean = torch.stack(centres)
            if name in self.prototypes:
                mean = 0.01 * self.prototypes[name] + 0.99 * mean
            self.prototypes[name] = mean.detach()
            pairs[name] = (mean, classes)
        return F.mse_loss(pairs["src"][0], pairs["tgt"][0])

    def _selective_entropy(
        self, batch: Mapping[str, Tensor], target: Tensor
    ) -> tuple[tuple[Tensor, Tensor], list[Tensor]]:
        """The reliable and the unreliable pixels' terms, and what is still held when gradients are computed."""
        second = self._predict(target)[1]  # the second clean forward
        clean, last = second.argmax(dim=1), second
        agreeing, disagreeing = torch.zeros_like(second), torch.zeros_like(second)
        agreed = torch.zeros_like(clean)
        for view in batch["random_views"]:
            logits = self._predict(view.to(self.device))[1]
            same = logits.argmax(dim=1) == clean
            agreed += same
            agreeing = torch.where(same[:, None], logits, agreeing)
            disagreeing = torch.where(same[:, None], disagreeing, logits)
        reliable = agreed > self.n // 2
        agreed = torch.zeros_like(clean)
        for _ in range(self.n):
            last = self._predict(self._fourier_view(batch["target_imgs"], batch["src_imgs"]).to(self.device))[1]
            agreed += last.argmax(dim=1) == clean
        reliable &= agreed > self.n // 2
        sharpened = torch.masked_select(entropy_map(agreeing.float()), reliable).sum() / reliable.numel()
        flattened = torch.masked_select(entropy_map(disagreeing.float()), ~reliable).sum() / reliable.numel()
        return (sharpened, flattened), [second, last]

    def _fourier_view(self, target: Tensor, src: Tensor) -> Tensor:
        """The source's amplitude in the window, by whole complex transforms on the host."""
        here = target.numpy()
        there = src.numpy()[self.random.integers(len(src), size=len(target))]
        spectrum, other = np.fft.fft2(here, axes=(-2, -1)), np.fft.fft2(there, axes=(-2, -1))
        amplitude, phase = np.fft.fftshift(np.abs(spectrum), axes=(-2, -1)), np.angle(spectrum)
        given = np.fft.fftshift(np.abs(other), axes=(-2, -1))
        rows, columns = (
            slice(side // 2 - WINDOW, side // 2 + WINDOW + 1) for side in (target.shape[-2], target.shape[-1])
        )
        amplitude[..., rows, columns] = given[..., rows, columns]
        mixed = np.fft.ifftshift(amplitude, axes=(-2, -1)) * np.exp(1j * phase)
        return torch.from_numpy(np.fft.ifft2(mixed, axes=(-2, -1)).real.astype(np.float32))

    def _train_critics(self, critics: list[Any], wanted: bool) -> None:
        for critic in critics:
            for parameter in critic.parameters():
                parameter.requires_grad = wanted
