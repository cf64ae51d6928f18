"""SE in pytorch-adapt's Classifier, which knows no target by itself: `python examples/se_in_classifier.py`.

Bars that lie or stand, bright in the source, fainter in the target, whose images come without labels. The hook joins
the classifier's only update as `post`; giving the step `target_imgs` is all that it takes. This shows the wiring: on
a toy this small, entropy alone, with nothing that pulls the domains together, does not raise the accuracy.
"""

import torch
from pytorch_adapt.adapters import Classifier
from pytorch_adapt.containers import Models, Optimizers
from torch import nn

from seasa_da.config import ViewSettings
from seasa_da.hooks import ScheduledWeight, SelectiveEntropyHook

STEPS, BATCH = 60, 32
SOURCE, TARGET = (0.9, 0.1), (0.4, 0.3)


def draw(n: int, contrast: float, noise: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Bars `(n, 1, 16, 16)` in [-1, 1], and whether they stand `(n,)`."""
    labels = torch.randint(2, (n,))
    bars = torch.full((n, 16, 16), -1.0)
    for bar, place in zip(bars, torch.randint(3, 12, (n,)).tolist(), strict=True):
        bar[place : place + 2, 2:14] = 1
    bars = torch.where(labels[:, None, None] == 1, bars.transpose(1, 2), bars)
    return (contrast * bars + noise * torch.randn(n, 16, 16)).clamp(-1, 1)[:, None], labels


torch.manual_seed(0)
trunk = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 16))
views = ViewSettings(mu=0.2, brightness=0.1, contrast=0.1)
adapter = Classifier(
    models=Models({"G": trunk, "C": nn.Linear(16, 2)}),
    optimizers=Optimizers((torch.optim.Adam, {"lr": 1e-3})),
    hook_kwargs={"post": [SelectiveEntropyHook(ScheduledWeight(0.1, start=0.5), views=views)]},
)

for step in range(STEPS):
    src, labels = draw(BATCH, *SOURCE)
    batch = {"src_imgs": src, "src_labels": labels, "target_imgs": draw(BATCH, *TARGET)[0]}
    losses = adapter.training_step(batch, progress=step / STEPS)["total_loss"]
    if step % 20 == 0 or step == STEPS - 1:
        print(f"step {step:2d}:", ", ".join(f"{name} {float(loss):.3f}" for name, loss in losses.items()))

unseen, truth = draw(1000, *TARGET)
with torch.no_grad():
    accuracy = (adapter.inference(unseen)["logits"].argmax(dim=1) == truth).float().mean().item()
print(f"accuracy on unseen target images: {accuracy:.3f}")
