"""SE and ASA in pytorch-adapt's own DANN, on the classification of small images: `python examples/se_asa_in_dann.py`.

The target has less contrast and more noise than the source, and no labels. Both hooks join DANN's generator step as
`post_g`; nothing else of DANN changes. This shows the wiring; sixty updates of a toy are no result.
"""

import torch
from pytorch_adapt.adapters import DANN
from pytorch_adapt.containers import Models, Optimizers
from torch import nn

from seasa_da.config import ViewSettings
from seasa_da.hooks import ScheduledWeight, SelectiveEntropyHook, SemanticAlignmentHook

CLASSES, STEPS, BATCH = 3, 60, 32
SOURCE, TARGET = (0.9, 0.1), (0.4, 0.3)


def draw(n: int, contrast: float, noise: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Squares, crosses and stripes `(n, 1, 16, 16)` in [-1, 1], and their classes `(n,)`."""
    shapes = torch.full((CLASSES, 16, 16), -1.0)
    shapes[0, 4:12, 4:12] = 1
    shapes[1, 7:9, 3:13] = shapes[1, 3:13, 7:9] = 1
    shapes[2, 3:13:3] = 1
    labels = torch.randint(CLASSES, (n,))
    moved = torch.stack([shapes[k].roll(torch.randint(-2, 3, (2,)).tolist(), (0, 1)) for k in labels.tolist()])
    return (contrast * moved + noise * torch.randn(n, 16, 16)).clamp(-1, 1)[:, None], labels


torch.manual_seed(0)
trunk = nn.Sequential(nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 32))
critic = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))
views = ViewSettings(mu=0.2, brightness=0.1, contrast=0.1)
adapter = DANN(
    models=Models({"G": trunk, "C": nn.Linear(32, CLASSES), "D": critic}),
    optimizers=Optimizers((torch.optim.Adam, {"lr": 1e-3})),
    hook_kwargs={
        "post_g": [
            SelectiveEntropyHook(ScheduledWeight(0.3, start=0.5), views=views),
            SemanticAlignmentHook(CLASSES, feature_dim=32, weight=0.1, views=views),
        ]
    },
)

for step in range(STEPS):
    batch = {"src_domain": torch.zeros(BATCH), "target_domain": torch.ones(BATCH)}
    batch["src_imgs"], batch["src_labels"] = draw(BATCH, *SOURCE)
    batch["target_imgs"], _ = draw(BATCH, *TARGET)
    losses = adapter.training_step(batch, progress=step / STEPS)["total_loss"]
    if step % 20 == 0 or step == STEPS - 1:
        print(f"step {step:2d}:", ", ".join(f"{name} {float(loss):.3f}" for name, loss in losses.items()))

unseen, truth = draw(1000, *TARGET)
with torch.no_grad():
    accuracy = (adapter.inference(unseen)["logits"].argmax(dim=1) == truth).float().mean().item()
print(f"accuracy on unseen target images: {accuracy:.3f}")
