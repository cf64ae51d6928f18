"""How much one update of every stage of every method computes: passes of the segmenter, and arithmetic.

    python benchmarks/counts.py [--preset paper] [--methods ours,cycada] [--set views.n=5] [--json FILE]

The update computes nothing: networks and batch are on torch's "meta" device, which knows shapes only, and torch counts
the multiplications and additions (2 operations each) of convolutions and matrix products. As there are no numbers
either, a step that read one, and made a GPU wait, would fail here.

"with gradient" and "without" are images that trunks see in an update, a forward pass each: the segmenter's, and frozen
copies of it that teach (CRST, EBM) or judge (CyCADA). "backward" is how often gradients are computed, once an
optimiser. Where updates of two kinds take turns it is the mean over a round of them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from stages import build, no_autocast, stages_of, without_numbers
from torch.utils.flop_counter import FlopCounterMode
from turns import parser, write

from seasa_da.hooks import Stepper
from seasa_da.models import DeepLabTrunk, NativeEncoder, Turns
from seasa_da.registry import METHODS


def is_trunk(module: torch.nn.Module) -> bool:
    """Whether images become features there: DeepLab's trunk, or SIFA's own encoder."""
    return isinstance(module, DeepLabTrunk | NativeEncoder)


class CountingStepper(Stepper):
    """Counts the backward passes."""

    def __init__(self) -> None:
        self.backwards = 0

    def backward(self, loss: torch.Tensor) -> None:
        self.backwards += 1
        super().backward(loss)


def count(method: str, number: int, preset: str, overrides: list[str]) -> dict[str, Any]:
    """The counts of one update of stage `number`."""
    stages, settings = stages_of(method, preset, overrides)
    adapter, batch = build(stages, number, settings)
    batch = without_numbers(adapter, batch)
    updates = max([1, *(part.steps + 1 for part in adapter.state_modules().values() if isinstance(part, Turns))])
    passes: Counter[str] = Counter()

    def look(module: torch.nn.Module, arguments: tuple[torch.Tensor, ...], options: dict[str, Any]) -> None:
        images = arguments[0]
        graph = torch.is_grad_enabled() and (
            images.requires_grad or any(parameter.requires_grad for parameter in module.parameters())
        )
        passes["gradient" if graph else "no_gradient"] += len(images)
        passes["forwards"] += 1

    # the trunk, and copies of it that judge or teach
    trunks = {part for module in adapter.state_modules().values() for part in module.modules() if is_trunk(part)}
    for trunk in trunks:
        trunk.register_forward_pre_hook(look, with_kwargs=True)
    stepper, flops = CountingStepper(), FlopCounterMode(display=False)
    with flops, no_autocast():
        for _ in range(updates):
            adapter.training_step(dict(batch), stepper=stepper, progress=1.0)
    return {
        "stage": stages[number].name,
        "updates": stages[number].iterations,
        "batch": len(batch["src_imgs"]),
        "gradient": passes["gradient"] / updates,
        "no_gradient": passes["no_gradient"] / updates,
        "forwards": passes["forwards"] / updates,
        "backwards": stepper.backwards / updates,
        "tflop": flops.get_total_flops() / 1e12 / updates,
    }


def main() -> None:
    """Count and print a line a stage."""
    options = parser(__doc__)
    options.add_argument("--preset", default="paper")
    options.add_argument("--methods", default=",".join(METHODS))
    options.add_argument("--set", dest="overrides", action="append", default=[], metavar="NAME=VALUE")
    given = options.parse_args()
    print(f"{'method':12} {'stage':20} {'with gradient':>13} {'without':>8} {'passes':>7} {'backward':>9} {'TFLOP':>8}")
    found: dict[str, list[dict[str, Any]]] = {}
    for method in given.methods.split(","):
        stages, _ = stages_of(method, given.preset, given.overrides)
        found[method] = [count(method, number, given.preset, given.overrides) for number in range(len(stages))]
        for line in found[method]:
            print(
                f"{method:12} {line['stage']:20} {line['gradient']:13.4g} {line['no_gradient']:8.4g} "
                f"{line['forwards']:7.3g} {line['backwards']:9.3g} {line['tflop']:8.3f}",
                flush=True,
            )
    write(given.json, {"preset": given.preset, "overrides": given.overrides, "counts": found})


if __name__ == "__main__":
    main()
