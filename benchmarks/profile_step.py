"""Where the time of one update goes, and how far it is from the sum of its convolutions.

    python benchmarks/profile_step.py [--method ours] [--stage 0] [--preset paper] [--set data.size=128] [--json FILE]

By torch's profiler, over `--rounds` updates after two that do not count: the time that each kind of operation takes
itself, on the GPU where there is one (the kernels that it started). "whole / convolutions" is 1 for a step that is
nothing but convolutions.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from stages import build, stages_of
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile
from turns import parser, write

KINDS = {
    "convolutions forward": ("mkldnn_convolution", "cudnn_convolution", "thnn_conv2d", "_slow_conv2d_forward"),
    "convolutions backward": ("convolution_backward",),
    "batch norm": ("batch_norm",),
    "activations": ("relu", "threshold_backward", "clamp_min"),
    "pooling and upsampling": ("pool", "upsample"),
    "optimisers": ("Optimizer.step", "_foreach", "_fused", "lerp", "addcdiv", "addcmul", "sqrt"),
    "Fourier views": ("fft", "polar", "angle"),
    "softmax, losses": ("softmax", "nll", "binary_cross_entropy"),
    "copies": ("copy_", "cat", "stack"),
}


def kind_of(name: str) -> str:
    """The first kind of which a part is in the operation's name."""
    return next((kind for kind, parts in KINDS.items() if any(part in name for part in parts)), "all else")


def main() -> None:
    """Profile and print."""
    options = parser(__doc__, rounds=3)
    options.add_argument("--method", default="ours")
    options.add_argument("--stage", type=int, default=0)
    options.add_argument("--preset", default="paper")
    options.add_argument("--set", dest="overrides", action="append", default=[], metavar="NAME=VALUE")
    given = options.parse_args()
    stages, settings = stages_of(given.method, given.preset, given.overrides)
    gpu = torch.cuda.is_available()
    adapter, batch = build(stages, given.stage, settings, "cuda" if gpu else "cpu")
    for _ in range(2):
        adapter.training_step(dict(batch), progress=1.0)
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if gpu else [])]
    with profile(activities=activities) as found:
        for _ in range(given.rounds):
            adapter.training_step(dict(batch), progress=1.0)
        if gpu:
            torch.cuda.synchronize()
    spent: Counter[str] = Counter()
    for event in found.key_averages():
        # Kernels stand there twice: as themselves, under names of their own, and with what started them.
        if event.device_type != DeviceType.CPU or getattr(event, "is_user_annotation", False):
            continue
        own: Any = event.self_device_time_total if gpu else event.self_cpu_time_total
        spent[kind_of(event.key)] += own / 1000 / given.rounds
    whole = sum(spent.values())
    convolutions = spent["convolutions forward"] + spent["convolutions backward"]
    for kind, value in spent.most_common():
        print(f"{kind:24} {value:9.1f} ms  {100 * value / whole:5.1f} %")
    print(f"whole / convolutions: {whole / convolutions:.2f}")
    write(given.json, {"method": given.method, "ms": dict(spent), "whole_over_convolutions": whole / convolutions})


if __name__ == "__main__":
    main()
