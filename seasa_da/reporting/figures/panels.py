"""Small charts of one size in lines: where each is, and how high all of them are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seasa_da.reporting.figures.sheet import EDGE


@dataclass(frozen=True)
class PanelGrid:
    """`count` charts, at most `columns` in a line.

    Attributes:
        width: inches of the sheet.
        head, foot: inches above and below each chart's axes, for its heading and its ticks.
        left: inches beside the axes, for their ticks.
        height: of the axes.
    """

    count: int
    columns: int
    width: float
    head: float
    height: float
    foot: float
    left: float = 0.4

    @property
    def lines(self) -> int:
        return -(-self.count // self.columns)

    @property
    def line(self) -> float:
        return self.head + self.height + self.foot

    @property
    def total(self) -> float:
        """Inches of all lines."""
        return self.lines * self.line

    @property
    def axes_width(self) -> float:
        return (self.width - 2 * EDGE - 0.06) / self.columns - self.left - 0.08

    def places(self, top: float) -> Iterator[tuple[float, float]]:
        """The upper left corner of each chart's axes, where the first line begins at `top`."""
        for number in range(self.count):
            line, column = divmod(number, self.columns)
            x = EDGE + column * (self.left + self.axes_width + 0.08) + self.left
            yield x, top + line * self.line + self.head
