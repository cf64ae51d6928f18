"""A segmenter as a file that runs without this package, and that file read back, to be checked."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from seasa_da.errors import UserError

INPUT, OUTPUT = "images", "logits"
OPSET = 18
"""What the exporter writes without a conversion; read by every ONNX Runtime since 1.14."""

Run = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        write: puts the network, in evaluation mode on the CPU, into a file; `images` `(2, C, H, W)` show it its input.
        load: the file as a function from images `(N, C, H, W)` to logits `(N, K, H, W)`, for any N.
        check: raises `UserError` where a package is missing.
    """

    write: Callable[[nn.Module, Tensor, Path], None]
    load: Callable[[Path], Run]
    check: Callable[[], None]


def _write_onnx(net: nn.Module, images: Tensor, path: Path) -> None:
    batch = torch.export.Dim("batch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own inside; what it made is checked on a real slice
        torch.onnx.export(
            net,
            (images,),
            path,
            dynamo=True,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes={INPUT: {0: batch}},
            opset_version=OPSET,
            external_data=False,  # one file
            verbose=False,
        )


def _load_onnx(path: Path) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(images: Tensor) -> Tensor:
        (logits,) = session.run([OUTPUT], {INPUT: images.numpy()})
        return torch.from_numpy(logits)

    return run


def _check_onnx() -> None:
    try:
        import onnx  # noqa: F401  # all three, before anything is computed
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError(
            f'export to ONNX needs the package {error.name}; install it with pip install "seasa-da[export]"'
        ) from None


def _write_torchscript(net: nn.Module, images: Tensor, path: Path) -> None:
    with _torchscript():
        # The trace is compared on real slices by the caller, not on the example here.
        frozen = torch.jit.freeze(torch.jit.trace(net, images, check_trace=False))
        frozen.save(str(path))


def _load_torchscript(path: Path) -> Run:
    with _torchscript():
        net: Any = torch.jit.load(str(path), map_location="cpu")
    return net


@contextmanager
def _torchscript() -> Iterator[None]:
    """PyTorch advises against TorchScript where it is not asked for; here the user asks for it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.\w+` is deprecated", category=FutureWarning)
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.\w+` is deprecated", category=DeprecationWarning)
        yield


FORMATS: Mapping[str, Format] = {
    "onnx": Format(_write_onnx, _load_onnx, _check_onnx),
    "torchscript": Format(_write_torchscript, _load_torchscript, lambda: None),
}


def find_format(name: str) -> Format:
    """A format by name; raises `UserError` for one that is not there, or whose packages are not."""
    if name not in FORMATS:
        raise UserError(f"unknown export format {name!r}; formats: {', '.join(FORMATS)}")
    FORMATS[name].check()
    return FORMATS[name]
