"""Which cases are for training and which for testing: by a file that names test cases, by a share, or by the reader.

The file is `splits.json` in the raw folder, or any other one that the settings name:

    {"ct": {"test": ["1017", "1018"]}, "mri": {"test": ["1003"]}}

In a domain that it names, the rest of the cases at home in "train" (`CaseFiles.home`) is for training, and the rest of
those at home in "test" is left out, unless they are listed under "train". Domains that it does not name are divided by
`raw.test_fraction` if that is set: so many of the cases at home in "train" are for testing, the first ones in the order
of a hash of domain and case id. The choice is the same everywhere, and a further case changes it by one case at most.
No division looks at a label; a reader's own may (`RawDomain.split_from` says what it was).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from seasa_da.config import RawSettings
from seasa_da.data.case import SPLITS, CaseFiles, Split
from seasa_da.data.readers.raw import UNCHECKED, Fault, RawData, RawDomain
from seasa_da.errors import UserError, WrongSetting
from seasa_da.files import read_json

FORM = '{"ct": {"test": ["1017"]}, "mri": {"test": ["1003"]}}'

Named = dict[Split, tuple[str, ...]]


def splits_path(raw: Path, settings: RawSettings) -> Path | None:
    """The file that names test cases, `None` if there is none.

    Raises:
        WrongSetting: the settings name a file that does not exist.
    """
    if settings.splits is not None:
        path = Path(settings.splits)
        if not path.exists():
            raise WrongSetting(f"--splits {path} (raw.splits) does not exist")
        return path
    path = raw / "splits.json"
    return path if path.exists() else None


def divide(raw: Path, data: RawData, settings: RawSettings, excluded: Collection[tuple[str, str]] = ()) -> RawData:
    """Give every case its split.

    Args:
        raw: the raw folder.
        data: what a reader found there, without the excluded cases.
        settings: which file, which share.
        excluded: (domain, case id) that are left out, which the file may name nevertheless.

    Returns:
        `data` with the splits and what made them, with notes on cases that are left out, and with faults: a file that
        does not fit, a domain without a train or a test case. Where the file is at fault, what is right in it counts,
        so that the other faults can be found.

    Raises:
        WrongSetting: the settings name a file that does not exist.
    """
    path = splits_path(raw, settings)
    named: dict[str, Named] = {}
    faults: list[Fault] = []
    if path is not None:
        named, faults = read_splits(path, data, excluded)
    notes: list[str] = []
    domains = []
    for domain in data.domains:
        if path is not None and domain.name in named:
            divided = _by_name(domain, named[domain.name], path.name)
        elif settings.test_fraction is not None:
            divided = _by_fraction(domain, settings.test_fraction)
        else:
            divided = domain
        if divided is not domain:
            _note_unused(notes, divided)
            if not domain.patients_known:
                divided = replace(divided, split_from=f"{divided.split_from}{UNCHECKED}")
        domains.append(divided)
        if not any(fault.domain in (None, domain.name) for fault in faults):
            faults += _without_split(raw, divided, settings)
    ignored = [name for name in named if settings.test_fraction is not None]
    if path is not None and ignored:
        notes.append(f"test_fraction does not divide {' and '.join(ignored)}: {path} names the test cases")
    files = data.files if path is None else (*data.files, path)
    return RawData(tuple(domains), (*data.notes, *notes), files, (*data.faults, *faults))


def read_splits(
    path: Path, data: RawData, excluded: Collection[tuple[str, str]] = ()
) -> tuple[dict[str, Named], list[Fault]]:
    """What a file names for each split, by domain, and what is wrong with it.

    Returns:
        Only cases that exist and are not excluded, each in one split.
    """
    try:
        content = read_json(path)
    except UserError as error:
        return {}, [Fault.of(error, path)]
    if not isinstance(content, dict):
        return {}, [Fault(path, f"must be of the form {FORM}")]
    # a case that has a fault may not be listed, but it is there
    known = {domain.name: {files.id for files in domain.cases} for domain in data.domains}
    for domain, case in [*excluded, *((fault.domain, fault.case) for fault in data.faults)]:
        if domain in known and case is not None:
            known[domain].add(case)
    named: dict[str, Named] = {}
    faults: list[Fault] = []
    for domain, splits in content.items():
        if domain not in known:
            faults.append(Fault(path, f"names a domain {domain!r}; the domains here are {' and '.join(known)}"))
            continue
        ids = _ids(splits)
        if ids is None:
            faults.append(
                Fault(path, f'must have {domain!r} of the form {{"test": ["1017", …]}}; all others are train', domain)
            )
            continue
        out = {case for owner, case in excluded if owner == domain}
        faults += _wrong_ids(path, domain, ids, known[domain], out)
        test = tuple(case for case in ids["test"] if case not in out)
        named[domain] = {"test": test, "train": tuple(case for case in ids["train"] if case not in {*out, *test})}
    return named, faults


def _ids(splits: Any) -> Named | None:
    """The ids listed for each split; `None` if it is not of the form."""
    if not isinstance(splits, dict) or not set(splits) <= set(SPLITS):
        return None
    named: Named = {}
    for split in SPLITS:
        ids = splits.get(split, [])
        # numbers, too, as MM-WHS's cases are; true and false are whole numbers to Python
        if not isinstance(ids, list) or not all(type(case) in (str, int) for case in ids):
            return None
        named[split] = tuple(str(case) for case in ids)
    return named


def _wrong_ids(path: Path, domain: str, ids: Named, known: Collection[str], excluded: Collection[str]) -> list[Fault]:
    faults = []
    there = ", ".join(sorted(known)[:3]) + (", …" if len(known) > 3 else "")
    # a case listed as train must exist as much as one listed as test
    for split in SPLITS:
        faults += [
            Fault(
                path,
                f"puts case {case} into {domain}'s {split} split, but it has no image there; correct the name (its "
                f"cases are {there}) or take it out",
                domain,
            )
            for case in ids[split]
            if case not in known
        ]
    both = sorted(set(ids["train"]) & set(ids["test"]) - set(excluded))
    faults += [
        Fault(path, f"puts case {case} of {domain} into both train and test; a patient is in one", domain, case)
        for case in both
    ]
    return faults


def _by_name(domain: RawDomain, named: Mapping[Split, Collection[str]], file_name: str) -> RawDomain:
    def split_of(files: CaseFiles) -> Split | None:
        if files.id in named["test"]:
            return "test"
        return "train" if files.id in named["train"] or files.home == "train" else None

    cases = tuple(replace(files, split=split_of(files)) for files in domain.cases)
    return replace(domain, cases=cases, split_from=file_name)


def _by_fraction(domain: RawDomain, fraction: float) -> RawDomain:
    ids = [files.id for files in domain.cases if files.home == "train"]
    ids.sort(key=lambda case: hashlib.sha256(f"{domain.name}/{case}".encode()).digest())
    count = min(max(1, round(fraction * len(ids))), len(ids) - 1)
    test = set(ids[: max(0, count)])

    def split_of(files: CaseFiles) -> Split | None:
        if files.home == "test":
            return None
        return "test" if files.id in test else "train"

    cases = tuple(replace(files, split=split_of(files)) for files in domain.cases)
    return replace(domain, cases=cases, split_from=f"test_fraction {fraction:g}")


def _note_unused(notes: list[str], domain: RawDomain) -> None:
    ids = [files.id for files in domain.cases if files.split is None]
    if ids:
        notes.append(f"not used: {len(ids)} of {domain.name}'s cases ({_first(ids)}), by {domain.split_from}")


def _without_split(raw: Path, domain: RawDomain, settings: RawSettings) -> list[Fault]:
    of = f" (of {_first([files.id for files in domain.cases])})" if domain.cases else ""
    remedy = f'name its test cases{of} in {raw / "splits.json"}: {{"{domain.name}": {{"test": ["ID", …]}}}}'
    if settings.test_fraction is None:
        remedy += ", or give the share of them that is for testing (--test-fraction, raw.test_fraction)"
    by = f" by {domain.split_from}" if domain.split_from else ""
    return [
        Fault(raw, f"has no {split} case in domain {domain.name}{by}; {remedy}", domain.name)
        for split in SPLITS
        if not domain.split_cases(split)
    ]


def _first(ids: Sequence[str]) -> str:
    return ", ".join(ids[:3]) + (", …" if len(ids) > 3 else "")
