"""What the page shows, before it is set in HTML. Texts are plain: the templates escape them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seasa_da.reporting.page.charts import Chart
    from seasa_da.reporting.page.method_notes import MethodNotes

NOTHING = "–"


@dataclass(frozen=True)
class Column:
    """A column of a table; numbers stand flush right, and a sort begins with the better ones."""

    header: str
    numeric: bool = False
    lower_is_better: bool = False


@dataclass(frozen=True)
class Cell:
    """One value.

    Attributes:
        text: as shown.
        sort: what it is sorted by, a number or a text; `None` is missing and stands last either way.
        note: set smaller after the text.
        best: in bold.
        head: names its row.
        mark: a word in a frame after it, such as "oracle".
    """

    text: str
    sort: float | str | None = None
    note: str = ""
    best: bool = False
    head: bool = False
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """A table with a caption; `notes` are sentences under it."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    sortable: bool = True


def text_cell(text: str, *, head: bool = False, mark: str = "") -> Cell:
    """A name or another text."""
    return Cell(text or NOTHING, text.casefold() or None, head=head, mark=mark)


def number_cell(value: float | None, digits: int = 1, *, note: str = "", best: bool = False) -> Cell:
    """A number, "–" where it is not known."""
    if value is None:
        return Cell(NOTHING, None, note)
    return Cell(f"{value:.{digits}f}", float(value), note, best)


@dataclass(frozen=True)
class Layer:
    """What one method says of a case: sheets as addresses, `None` where there are none."""

    method: str
    prediction: str
    entropy: str | None = None
    unreliable: str | None = None


@dataclass(frozen=True)
class Viewer:
    """The pictures of one case.

    Attributes:
        slices: their numbers in the volume, in the sheets' order.
        of: slices of the volume.
        columns, rows: of the sheets.
        width, height: of a slice, pixels.
        aspect: height of a pixel divided by its width.
        image, truth: sheets as addresses; `None` where there are none.
        layers: one a method; `first` is the number of the one that is shown first.
    """

    slices: Sequence[int]
    of: int
    columns: int
    rows: int
    width: int
    height: int
    aspect: float
    image: str | None
    truth: str | None
    layers: Sequence[Layer]
    first: int = 0


@dataclass(frozen=True)
class Case:
    """One test volume: its scores, and pictures where the page has them."""

    name: str
    scores: Table | None
    viewer: Viewer | None = None


@dataclass(frozen=True)
class Figures:
    """Charts under a heading, closed at first where there are many; `notes` stand above them."""

    title: str
    charts: Sequence[Chart]
    notes: Sequence[str] = ()
    folded: bool = False


@dataclass(frozen=True)
class Direction:
    """All on one source and target.

    Attributes:
        results: tables of scores.
        cases: the test volumes.
        notes: sentences above the cases.
        missing: lines on what pictures could not be made, and why.
        calibration, diagrams, curves: tables and charts.
        oracle_gap: what the best checkpoint by target labels would have given.
    """

    title: str
    results: Sequence[Table]
    cases: Sequence[Case] = ()
    notes: Sequence[str] = ()
    missing: Sequence[str] = ()
    calibration: Sequence[Table] = ()
    diagrams: Sequence[Figures] = ()
    curves: Sequence[Figures] = ()
    oracle_gap: Sequence[Table] = ()


@dataclass(frozen=True)
class Command:
    """Something to type; `why` stands above it."""

    why: str
    text: str


@dataclass(frozen=True)
class Method:
    """A row's name, one line on it, and what its file says; `None` where it cannot be read."""

    name: str
    summary: str
    notes: MethodNotes | None
    oracle: bool = False


@dataclass(frozen=True)
class Page:
    """The whole page.

    Attributes:
        title, lead: heading and the sentence under it.
        facts: (term, text) on what was run and on which data.
        statements: sentences on labels and their door.
        settings: settings as YAML, by title.
        structures: names in the labels' order.
    """

    title: str
    lead: str
    facts: Sequence[tuple[str, str]]
    statements: Sequence[str]
    settings: Sequence[tuple[str, str]]
    structures: Sequence[str]
    directions: Sequence[Direction]
    methods: Sequence[Method]
    commands: Sequence[Command]
    version: str
    notes: Sequence[str] = field(default_factory=tuple)
