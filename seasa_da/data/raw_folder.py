"""A raw folder as the settings say: which reader, which cases, which splits."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from seasa_da.config import RawSettings
from seasa_da.data.readers import Reader, find_reader
from seasa_da.data.readers.raw import RawData
from seasa_da.data.splits import divide
from seasa_da.errors import WrongSetting


@dataclass(frozen=True, eq=False)
class RawFolder:
    """A raw folder, listed; no volume was opened.

    Attributes:
        path: the folder.
        reader: of its files.
        data: its cases, with the splits that count; what is wrong so far is among its faults.
    """

    path: Path
    reader: Reader
    data: RawData


def open_raw(raw: Path, settings: RawSettings) -> RawFolder:
    """Find the reader, list the cases, leave out those that are excluded, and divide the rest (`seasa_da.data.splits`).

    Raises:
        UserError: nothing can be listed.
        WrongSetting: no such reader, excluded case (with the nearest one) or splits file.
    """
    reader = find_reader(raw, settings.format)
    found = reader.scan(raw)
    data, excluded = _without(found, settings.exclude)
    divided = divide(raw, data, settings, excluded)
    left_out = {(domain.name, files.id) for domain in divided.domains for files in domain.cases if files.split is None}
    faults = tuple(fault for fault in divided.faults if (fault.domain, fault.case) not in left_out)
    return RawFolder(raw, reader, replace(divided, faults=faults))


def _without(data: RawData, exclude: Iterable[str]) -> tuple[RawData, set[tuple[str, str]]]:
    """The data without the excluded cases and their faults, and (domain, case id) of what was left out."""
    # a case that has a fault may not be listed
    there = {(domain.name, files.id) for domain in data.domains for files in domain.cases}
    there |= {(fault.domain, fault.case) for fault in data.faults if fault.domain and fault.case}
    out: set[tuple[str, str]] = set()
    for name in exclude:
        found = {(domain, case) for domain, case in there if name in (case, f"{domain}/{case}")}
        if not found:
            raise WrongSetting(f"--exclude {name} (raw.exclude) names no case of this folder{_nearest(name, there)}")
        out |= found
    domains = tuple(
        replace(domain, cases=tuple(files for files in domain.cases if (domain.name, files.id) not in out))
        for domain in data.domains
    )
    faults = tuple(fault for fault in data.faults if (fault.domain, fault.case) not in out)
    return replace(data, domains=domains, faults=faults), out


def _nearest(name: str, there: set[tuple[str, str]]) -> str:
    full = sorted(f"{domain}/{case}" for domain, case in there)
    choices = full if "/" in name else sorted({case for _, case in there})
    if near := difflib.get_close_matches(name, choices, n=1):
        return f"; did you mean {near[0]!r}?"
    return f"; its cases are {', '.join(choices[:3])}{', …' if len(choices) > 3 else ''}"
