"""How figures reach the disk."""

from __future__ import annotations

import uuid
from pathlib import Path

from matplotlib.figure import Figure

from seasa_da.files import os_errors_named

# No time stamp, no version: the same results give the same bytes.
_METADATA = {".png": {"Software": None}, ".pdf": {"Creator": None, "Producer": None, "CreationDate": None}}


def save_figure(figure: Figure, path: Path) -> None:
    """Write aside and rename: a report never shows half a picture. The format is that of the name's ending.

    Raises `UserError` when the file cannot be written.
    """
    aside = path.parent / f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}"
    with os_errors_named(path, "write"):
        try:
            figure.savefig(aside, metadata=_METADATA[path.suffix])
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
