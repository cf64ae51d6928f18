"""What `seasa-da compare` and `seasa-da ablate` do, for Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seasa_da.comparison.ablation_checks import check_ablation
from seasa_da.comparison.ablations import ablation_rows
from seasa_da.comparison.kinds import ABLATION, COMPARISON
from seasa_da.comparison.options import Options
from seasa_da.comparison.rows import all_rows, parse_rows
from seasa_da.comparison.run import ComparisonResult, make_tables

if TYPE_CHECKING:
    from typing_extensions import Unpack


def compare(
    methods: Sequence[str] | None = None, src: str | None = None, tgt: str | None = None, **options: Unpack[Options]
) -> ComparisonResult:
    """Make the paper's Table 1, or one of other methods.

    Every run that is not finished is made in a process of its own, then the tables of all that are.

    Args:
        methods: names, with add-ons as in "adaoutput+se+asa"; `None` for all rows of the paper's table.
        src, tgt: the labelled and the unlabelled domain, by default "ct" and "mri".
        options: both, seeds, data, preset, overrides, config, weights, out, tracking_uri, anonymise, reference, oracle,
            shard and observer, which `seasa_da.comparison.options.Options` describes.

    Raises:
        UserError: wrong input or unusable data, before anything is written.
    """
    rows = all_rows() if methods is None else parse_rows(methods)
    return make_tables(COMPARISON, rows, src, tgt, **options)


def ablate(
    tables: Sequence[int] | None = None, src: str | None = None, tgt: str | None = None, **options: Unpack[Options]
) -> ComparisonResult:
    """Make the paper's Tables 2, 3 and 4; a row that stands in several is one run.

    Args:
        tables: their numbers; `None` for all three.
        src, tgt, options: as `compare` takes them. A setting in `overrides` reaches all rows that have it, but those
            that set it themselves.

    Raises:
        UserError: as `compare`; a setting that would make a row another than its table says.
    """
    return make_tables(ABLATION, ablation_rows(tables), src, tgt, check_ablation, **options)
