"""What a method's file says of itself: what is from the paper, from the authors' code, and our choice."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

from seasa_da.reporting.page.content import Cell, Column, Table, text_cell

# "From the paper:", "From the authors' code (recipe `x`):", "Our choice, where both are silent:" at a sentence's start.
_MARK = re.compile(r"(?:^|(?<=[.;)] )|(?<=\.\n)|\n)((?:From (?:the|their) |Our choice)[^:.]{0,160}):\s")
_ROW = re.compile(r"^\s*\|.*\|\s*$")


@dataclass(frozen=True)
class MethodNotes:
    """A method's docstring, taken apart.

    Attributes:
        title: its first line.
        sources: the paragraphs before the first mark: paper and authors' code.
        parts: (mark, text), such as ("From the paper", "…"), in their order.
        rest: paragraphs after them.
        table: models, optimisers and stages; `None` if it has none.
    """

    title: str
    sources: list[str] = field(default_factory=list)
    parts: list[tuple[str, str]] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)
    table: Table | None = None


def method_notes(name: str, docstring: str) -> MethodNotes:
    """Take a docstring apart; what is not marked stays as it is, nothing is left out."""
    text = inspect.cleandoc(docstring)
    title, _, body = text.partition("\n")
    lines = body.strip("\n").split("\n")
    rows = [line for line in lines if _ROW.match(line)]
    paragraphs = "\n".join(line for line in lines if not _ROW.match(line)).split("\n\n")
    notes = MethodNotes(title.strip(), table=_table(name, rows))
    for paragraph in filter(None, (one.strip() for one in paragraphs)):
        pieces = _MARK.split(paragraph)
        before, marked = _line(pieces[0]), list(zip(pieces[1::2], pieces[2::2], strict=True))
        if before:
            (notes.rest if notes.parts else notes.sources).append(before)
        notes.parts.extend((_line(mark), _line(said)) for mark, said in marked)
    return notes


def _line(text: str) -> str:
    return " ".join(text.split())


def _table(name: str, rows: list[str]) -> Table | None:
    cells = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows]
    cells = [row for row in cells if any(row) and not all(set(cell) <= set("-: ") for cell in row)]
    if not cells:
        return None
    width = max(map(len, cells))
    head: list[Cell]
    body = []
    for row in cells:
        head, rest = [text_cell(row[0], head=True)], [text_cell(cell) for cell in row[1:]]
        body.append([*head, *rest, *(text_cell("") for _ in range(width - len(row)))])
    columns = [Column("Part"), *(Column("What") for _ in range(width - 1))]
    return Table(f"{name}: models, optimisers, stages", columns, body, sortable=False)
