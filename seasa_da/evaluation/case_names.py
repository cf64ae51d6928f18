"""What cases are called in files and tables."""

from __future__ import annotations

from collections.abc import Iterable


def case_names(ids: Iterable[str], anonymise: bool) -> dict[str, str]:
    """The name of each case by its id: the id itself, or `case-01`, `case-02` … in the order given.

    >>> case_names(["Smith", "Jones"], anonymise=True)
    {'Smith': 'case-01', 'Jones': 'case-02'}
    """
    return {case: f"case-{number:02d}" if anonymise else case for number, case in enumerate(ids, start=1)}
