"""Every fault of a raw folder in one pass, so that all of them can be mended at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from seasa_da.config import RawSettings
from seasa_da.data.case import SPLITS, CaseFiles
from seasa_da.data.parallel import for_each
from seasa_da.data.raw_folder import RawFolder
from seasa_da.data.readers import CaseCheck, Fault, RawDomain, Reader, check_case
from seasa_da.errors import UserError

CaseName = tuple[str, str]
"""(domain, case id)."""


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes:
        faults: all of them, those of the folder first, the rest in order of domain and case.
        contents: the hash of each case's voxels (`seasa_da.data.voxels.content_hash`), by (domain, case id), of those
            that can be read.
    """

    faults: tuple[Fault, ...]
    contents: dict[CaseName, str]


def verify(
    folder: RawFolder,
    settings: RawSettings,
    *,
    workers: int | None = None,
    known: Mapping[CaseName, str] | None = None,
    on_case: Callable[[], None] | None = None,
) -> Verification:
    """Read all files of all cases that are used, and list what is wrong with them; never stops at a fault.

    Args:
        folder: from `open_raw`.
        settings: `assume_mm` is used.
        workers: cases read at a time; all cores by default.
        known: the content hash of cases that were found to be good before; they are not read again.
        on_case: called after each case that was read.
    """
    known = known or {}
    used = [(domain, files) for domain in folder.data.domains for files in domain.cases if files.split]
    unread = [(domain, files) for domain, files in used if (domain.name, files.id) not in known]

    def check(pair: tuple[RawDomain, CaseFiles]) -> CaseCheck:
        return _checked(folder.reader, *pair)

    checks = for_each(check, unread, workers=workers, on_done=on_case)
    contents = {**known}
    faults = [*folder.data.faults, *_different_channels(folder)]
    for domain in folder.data.domains:
        faults += [*_listed_twice(domain), *_without_label(domain)]
    for (domain, files), checked in zip(unread, checks, strict=True):
        faults += checked.faults
        if checked.content is not None:
            contents[domain.name, files.id] = checked.content
    names = {(domain.name, files.id) for domain, files in used}
    contents = {name: content for name, content in contents.items() if name in names}
    faults += _twins(used, contents)
    if settings.assume_mm:
        faults = [fault for fault in faults if fault.kind != "units"]
    places = {(domain.name, files.id): place for place, (domain, files) in enumerate(used)}
    faults.sort(key=lambda fault: places.get((fault.domain or "", fault.case or ""), -1))
    return Verification(tuple(dict.fromkeys(faults)), contents)


def _checked(reader: Reader, domain: RawDomain, files: CaseFiles) -> CaseCheck:
    """What reading a case found; its faults know whose they are."""
    try:
        checked = check_case(reader, files)
    except UserError as error:
        checked = CaseCheck((Fault.of(error, files.image),), None)
    faults = tuple(Fault(fault.path, fault.what, domain.name, files.id, fault.kind) for fault in checked.faults)
    return CaseCheck(faults, checked.content)


def _different_channels(folder: RawFolder) -> list[Fault]:
    domains = folder.data.domains
    if len({len(domain.channels) for domain in domains}) <= 1:
        return []
    counts = "; ".join(f"{domain.name} has {len(domain.channels)} ({', '.join(domain.channels)})" for domain in domains)
    what = f"has domains with different numbers of channels: {counts}; a network needs the same of all of them"
    return [Fault(folder.path, f"{what}: give a folder with those that fit only (links will do)")]


def _listed_twice(domain: RawDomain) -> list[Fault]:
    """A third party's reader may list a patient more than once; ours do not."""
    faults = []
    first: dict[str, CaseFiles] = {}
    for files in domain.cases:
        other = first.setdefault(files.id, files)
        if other is not files:
            where = f"in {other.split} and {files.split}" if other.split != files.split else "twice"
            what = f"is case {files.id} of {domain.name}, which is there {where} ({other.image}); remove one of them"
            faults.append(Fault(files.image, what, domain.name, files.id))
    return faults


def _without_label(domain: RawDomain) -> list[Fault]:
    faults = []
    for split in SPLITS:
        cases = domain.split_cases(split)
        without = [files for files in cases if files.label is None]
        if len(without) < len(cases):
            what = (
                f"has no label, but others of {domain.name}'s {split} split have; add its label, or leave the case out"
            )
            faults += [
                Fault(files.image, f"{what} ({_option(domain.name, files.id)})", domain.name, files.id)
                for files in without
            ]
    return faults


def _twins(used: list[tuple[RawDomain, CaseFiles]], contents: Mapping[CaseName, str]) -> list[Fault]:
    """One volume under two names: the same patient could be in train and test.

    Slices that name no patient may well be alike (there is nothing to see in some), and are not told apart in training.
    """
    faults = []
    first: dict[str, tuple[RawDomain, CaseFiles]] = {}
    for domain, files in {(domain.name, files.id): (domain, files) for domain, files in used}.values():
        content = contents.get((domain.name, files.id))
        if content is None:
            continue
        other_domain, other = first.setdefault(content, (domain, files))
        both_slices = other_domain is domain and not domain.patients_known and other.split == files.split == "train"
        if other is not files and not both_slices:
            option = _option(domain.name, files.id)
            what = f"is the same volume as {other.image}; remove one of them, or leave it out ({option})"
            faults.append(Fault(files.image, what, domain.name, files.id))
    return faults


def _option(domain: str, case: str) -> str:
    return f"--exclude {domain}/{case}"
