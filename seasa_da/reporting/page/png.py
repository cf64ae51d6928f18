"""Small PNG files in `data:` addresses: grey pictures, and label pictures of a palette with transparency."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RGBA = tuple[int, int, int, int]

_GREY, _PALETTE = 0, 3
_UP = 2


def grey_png(picture: NDArray[np.uint8]) -> bytes:
    """A picture `(H, W)`, 0 black and 255 white."""
    above = np.vstack([np.zeros_like(picture[:1]), picture[:-1]])
    # Neighbours are alike, so that differences pack better; the decoder adds them up modulo 256.
    return _file(picture, _GREY, [], _UP, picture - above)


def palette_png(indices: NDArray[np.uint8], palette: Sequence[RGBA]) -> bytes:
    """A picture `(H, W)` of indices into at most 256 colours (red, green, blue, opacity; each from 0 to 255).

    Raises:
        ValueError: an index without a colour.
    """
    if indices.size and int(indices.max()) >= len(palette):
        raise ValueError(f"index {int(indices.max())} in a palette of {len(palette)} colours")
    colours = b"".join(bytes(colour[:3]) for colour in palette)
    opacities = bytes(colour[3] for colour in palette)
    return _file(indices, _PALETTE, [(b"PLTE", colours), (b"tRNS", opacities)], 0, indices)


def data_uri(png: bytes) -> str:
    """The file as an address that needs no other file."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _file(
    picture: NDArray[np.uint8], kind: int, more: list[tuple[bytes, bytes]], filtering: int, rows: NDArray[np.uint8]
) -> bytes:
    height, width = picture.shape
    lines = np.hstack([np.full((height, 1), filtering, dtype=np.uint8), rows])
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    chunks = [(b"IHDR", header), *more, (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
