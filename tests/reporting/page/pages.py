"""A small page for the tests of how it is set."""

from seasa_da.reporting.page.charts import Line, line_chart
from seasa_da.reporting.page.content import (
    Case,
    Column,
    Command,
    Direction,
    Figures,
    Layer,
    Method,
    Page,
    Table,
    Viewer,
    number_cell,
    text_cell,
)
from seasa_da.reporting.page.method_notes import method_notes

PNG = "data:image/png;base64,iVBORw0KGgo="


def page(name="ours", case="1001", **more):
    table = Table(
        f"Dice of {name}",
        [Column("Method"), Column("mean", True)],
        [
            [text_cell(name, head=True, mark="oracle"), number_cell(70.25)],
            [text_cell("other", head=True), number_cell(None)],
        ],
        [f"A note on {name}."],
    )
    layers = [Layer(name, PNG, PNG, PNG), Layer("other", PNG)]
    viewer = Viewer([0, 5], 9, 2, 1, 8, 8, 1.5, PNG, PNG, layers, first=1)
    chart = line_chart(f"loss of {name}", [Line("a", [(0, 1), (1, 2)]), Line(name, [(0, 2), (1, 1)])], x_label="x")
    direction = Direction(
        title="ct to mri",
        results=[table],
        cases=[Case(case, table, viewer), Case("1002", None)],
        notes=["Of seed 0."],
        missing=[f"{name}: no entropy."],
        curves=[Figures(name, [chart]), Figures("folded", [chart], folded=True)],
        oracle_gap=[table],
    )
    content = {
        "title": f"Run of {name}",
        "lead": "One run.",
        "facts": [("Method", name)],
        "statements": ["Target labels have one door."],
        "settings": [("All settings", f"method: {name}")],
        "structures": ["AA", name],
        "directions": [direction],
        "methods": [Method(name, f"summary of {name}", method_notes(name, f"{name}.\n\nOur choice: `x` < {name}."))],
        "commands": [Command("The run:", f"seasa-da train --method {name}")],
        "version": "0.1.0",
    }
    return Page(**{**content, **more})
