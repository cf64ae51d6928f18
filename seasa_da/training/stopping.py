"""Being asked to stop: the update under way is finished and saved, by all ranks together, and the run ends."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

import torch

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
"""Ctrl-C; what schedulers send at the end; what Slurm's `--signal=USR1` sends some time before."""
SAME_REQUEST_S = 2.0
"""A terminal and a launcher pass on one Ctrl-C as two; a second one later than this means: now."""


class StopRequests:
    """Listens to `SIGNALS` inside its `with` block, where the main thread runs it; a signal that is ignored stays so.

    Args:
        accelerator: an `accelerate.Accelerator`; its ranks agree on when they stop.
    """

    def __init__(self, accelerator: Any) -> None:
        self._asked = False
        self._asked_at = 0.0
        self._before: dict[signal.Signals, Any] = {}
        # On the host, beside the accelerator's own group: to ask must not make a GPU wait.
        self._group: Any = torch.distributed.new_group(backend="gloo") if accelerator.num_processes > 1 else None

    def __enter__(self) -> StopRequests:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) not in (
                    signal.SIG_IGN,
                    None,
                ):  # None: not Python's, and could not be put back
                    self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
        if self._group is not None:
            torch.distributed.destroy_process_group(self._group)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._asked and number == signal.SIGINT and now - self._asked_at > SAME_REQUEST_S:
            raise KeyboardInterrupt
        if not self._asked:
            self._asked, self._asked_at = True, now

    def agreed(self) -> bool:
        """Whether any rank was asked; the same answer on all, which must ask after the same update."""
        if self._group is None:
            return self._asked
        flag = torch.tensor([int(self._asked)])
        torch.distributed.all_reduce(flag, op=torch.distributed.ReduceOp.MAX, group=self._group)
        return bool(flag.item())
