"""How figures reach the disk."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from seasa_da.files import atomic_file

# No time stamp, no version: the same results give the same bytes.
_METADATA = {".png": {"Software": None}, ".pdf": {"Creator": None, "Producer": None, "CreationDate": None}}


def save_figure(figure: Figure, path: Path) -> None:
    """Write aside and rename: a report never shows half a picture. The format is that of the name's ending.

    Raises `UserError` when the file cannot be written.
    """
    with atomic_file(path) as file:
        figure.savefig(file, format=path.suffix[1:], metadata=_METADATA[path.suffix])
