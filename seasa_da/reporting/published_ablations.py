"""Tables 2, 3 and 4 of the paper (see `published`): what their rows have, and the published mean Dice.

Mean Dice in percent of CT to MRI on MM-WHS; the paper gives no ASD, no single structures and no other direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Mark = bool | str
"""What a row has in one column: a check mark or none, or a word."""


@dataclass(frozen=True)
class AblationTable:
    """One of the paper's tables.

    Attributes:
        number: the paper's.
        title: what is taken away.
        columns: headers of what the rows differ in.
        rows: a mark a column, by the row's name, in the paper's order.
        published: mean Dice by row, of the directions that the paper has.
    """

    number: int
    title: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[Mark, ...]]
    published: Mapping[tuple[str, str], Mapping[str, float]]


ABLATION_TABLES: Mapping[int, AblationTable] = {
    table.number: table
    for table in (
        AblationTable(
            2,
            "key components",
            ("Adversary", "SE", "ASA"),
            {
                "adaoutput": (True, False, False),
                "adaoutput+se": (True, True, False),
                "adaoutput+asa": (True, False, True),
                "ours": (True, True, True),
            },
            {("ct", "mri"): {"adaoutput": 61.9, "adaoutput+se": 65.1, "adaoutput+asa": 64.5, "ours": 69.9}},
        ),
        AblationTable(
            3,
            "selective entropy constraints",
            ("EntMin", "EntMax"),
            {
                "se-all": ("all pixels", "none"),
                "se-reliable": ("reliable", "none"),
                "ours": ("reliable", "unreliable"),
            },
            {("ct", "mri"): {"se-all": 62.5, "se-reliable": 64.7, "ours": 69.9}},
        ),
        AblationTable(
            4,
            "unreliable pixels in semantic alignment",
            ("Unreliable pixels",),
            {"asa-all": ("not removed",), "ours": ("removed",)},
            {("ct", "mri"): {"asa-all": 66.5, "ours": 69.9}},
        ),
    )
}
