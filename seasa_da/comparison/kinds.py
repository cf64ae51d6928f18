"""What runs are made for: the benchmark's table, or the ablations'."""

from __future__ import annotations

from dataclasses import dataclass

from seasa_da.comparison.ablations import ABLATION_ROWS
from seasa_da.comparison.rows import all_rows


@dataclass(frozen=True)
class Kind:
    """One of them. Their folders look alike, and each takes only its own.

    Attributes:
        name: as `compare.json` has it.
        verb: the command that makes it.
        order: names of rows, as its tables have them; other rows come after these.
    """

    name: str
    verb: str
    order: tuple[str, ...]


COMPARISON = Kind("comparison", "compare", tuple(row.name for row in all_rows()))
ABLATION = Kind("ablation", "ablate", tuple(ABLATION_ROWS))
KINDS = {kind.name: kind for kind in (COMPARISON, ABLATION)}
