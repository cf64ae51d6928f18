"""Networks by `torch.compile`, where the settings ask for it."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterable

import torch
from torch import nn

from seasa_da.errors import UserError

GRAPHS = 64
"""So many shapes and modes of one class of networks are compiled; the others run as without. torch's own 8 are too few
for a run of many stages."""


def check_compiler() -> None:
    """Raise `UserError` where torch would find no compiler, in the middle of the first update."""
    wanted = os.environ.get("CXX", "").strip() or "g++"  # torch looks for no other; it may be "ccache g++"
    if not shutil.which(shlex.split(wanted)[0]):
        raise UserError(f"train.compile wants a C++ compiler, {wanted} ($CXX or g++); install it, or leave it out")


def compile_networks(networks: Iterable[nn.Module], backend: str = "inductor") -> None:
    """Let each network's forward and backward be compiled when it is first called; in place, once.

    Names, parameters and hooks stay, so that checkpoints are the same with and without; numbers differ by rounding, as
    random ones (dropout) are drawn as they would be without. Every shape gets kernels of its own: a stage has a few,
    always the same.
    """
    limit = "recompile_limit" if hasattr(torch._dynamo.config, "recompile_limit") else "cache_size_limit"
    setattr(torch._dynamo.config, limit, max(GRAPHS, getattr(torch._dynamo.config, limit)))
    options = {"fallback_random": True} if backend == "inductor" else None
    for network in networks:
        if network._compiled_call_impl is None:
            network.compile(backend=backend, dynamic=False, options=options)


def leave_compiled(networks: Iterable[nn.Module]) -> None:
    """Go on without: volumes are batches of many sizes, for each of which kernels would be made first."""
    for network in networks:
        network._compiled_call_impl = None
