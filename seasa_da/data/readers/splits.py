"""`splits.json` in a raw folder: which cases are for testing.

    {"ct": {"test": ["1017", "1018"]}, "mri": {"test": ["1003"]}}

Every other case of a domain that it names is train.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from seasa_da.data.case import SPLITS, CaseFiles, Split
from seasa_da.errors import UserError
from seasa_da.files import read_json


def splits_path(raw: Path) -> Path:
    """Where a raw folder's splits are, if it has some."""
    return raw / "splits.json"


def read_splits(raw: Path, images: Mapping[str, Collection[str]]) -> dict[str, dict[Split, tuple[str, ...]]]:
    """The ids named for each split, of the domains that the file names; empty when there is no such file.

    Args:
        raw: the raw folder.
        images: the domains there may be, and the ids of the cases with an image; of a domain without any, ids are not
            checked.

    Raises:
        UserError: not of the form above, an unknown domain or case, or one case in both splits.
    """
    path = splits_path(raw)
    if not path.exists():
        return {}
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(f'{path} must be of the form {{"ct": {{"test": ["1017"]}}, "mri": {{"test": ["1003"]}}}}')
    chosen = {}
    for domain, splits in content.items():
        if domain not in images:
            raise UserError(f"{path} names a domain {domain!r}; the domains here are {' and '.join(images)}")
        ids = {split: _ids(path, domain, split, splits) for split in SPLITS}
        if both := sorted(set(ids["train"]) & set(ids["test"])):
            raise UserError(f"{path} puts case {both[0]} of {domain} into both train and test; a patient is in one")
        # a case listed as train must exist as much as one listed as test
        for split in SPLITS:
            if images[domain] and (unknown := [case for case in ids[split] if case not in images[domain]]):
                known = sorted(images[domain])
                there = ", ".join(known[:3]) + (", …" if len(known) > 3 else "")
                raise UserError(
                    f"{path} puts case {unknown[0]} into {domain}'s {split} split, but it has no image there; correct "
                    f"the name (its cases are {there}) or take it out"
                )
        chosen[domain] = ids
    return chosen


def require_both_splits(raw: Path, domain: str, cases: Sequence[CaseFiles], where: str, among: str = "") -> None:
    """Refuse a domain without a train or a test case.

    Args:
        where: what divided the cases, and its verb: "the published test cases leave".
        among: which cases the file may name, if not all in one folder: " (of imagesTr or imagesTs)".

    Raises:
        UserError: with the line that `splits.json` needs.
    """
    for split in SPLITS:
        if not any(case.split == split for case in cases):
            raise UserError(
                f"{where} domain {domain} of {raw} without a {split} case; "
                f'name its test cases{among} in {splits_path(raw)}: {{"{domain}": {{"test": ["ID", …]}}}}'
            )


def _ids(path: Path, domain: str, split: str, splits: Any) -> tuple[str, ...]:
    ids = splits.get(split, []) if isinstance(splits, dict) and set(splits) <= set(SPLITS) else None
    if not isinstance(ids, list) or not all(isinstance(case, str | int) for case in ids):
        raise UserError(f'{path}: {domain!r} must be of the form {{"test": ["1017", …]}}; every other case is train')
    return tuple(str(case) for case in ids)
