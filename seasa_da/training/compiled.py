"""Networks by `torch.compile`, where the settings ask for it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable

from torch import nn

from seasa_da.errors import UserError

COMPILERS = ("g++", "clang++", "c++", "gcc", "clang", "cc")


def check_compiler() -> None:
    """Raise `UserError` where torch would find no compiler, in the middle of the first update."""
    given = [os.environ[name] for name in ("CXX", "CC") if os.environ.get(name)]
    if not any(shutil.which(name) for name in (*given, *COMPILERS)):
        raise UserError("train.compile wants a C++ compiler on the PATH (g++ or clang++); install one, or leave it out")


def compile_networks(networks: Iterable[nn.Module], backend: str = "inductor") -> None:
    """Let each network's forward and backward be compiled when it is first called; in place, once.

    Names, parameters and hooks stay, so that checkpoints are the same with and without; numbers differ by rounding.
    Every shape gets kernels of its own: a stage has two or three, always the same.
    """
    for network in networks:
        if network._compiled_call_impl is None:
            network.compile(backend=backend, dynamic=False)


def leave_compiled(networks: Iterable[nn.Module]) -> None:
    """Go on without: volumes are batches of many sizes, for each of which kernels would be made first."""
    for network in networks:
        network._compiled_call_impl = None
