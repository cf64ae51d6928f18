"""Finding the slice store that a run reads: the user's own, or one made once and kept in the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from seasa_da.config import DataSettings, PhantomSettings, RawSettings
from seasa_da.data.parallel import Counting, no_counting
from seasa_da.data.store import MANIFEST, SliceStore
from seasa_da.errors import UserError
from seasa_da.files import cache_dir, read_json, write_json_atomic


def locate_store(
    path: Path | None,
    data: DataSettings,
    phantom: PhantomSettings,
    raw: RawSettings | None = None,
    *,
    say: Callable[[str], None],
    progress: Counting = no_counting,
) -> SliceStore:
    """Open the store for a run, making it first where that is needed.

    Args:
        path: a store (opened as it is: its own settings win), a raw folder (prepared once, kept in the cache under
            its content and the settings), or `None` for the phantom (made and prepared once).
        data: how raw data are prepared.
        phantom: which phantom.
        raw: which files of a raw folder are read, as what.
        say: called with lines for the user.
        progress: shows how far long steps are.

    Raises:
        UserError: nothing usable at `path`, or the cache cannot be written.
    """
    unheard = [f"raw.{name}={value!r}" for name, value in raw.model_dump(exclude_defaults=True).items()] if raw else []
    if path is None:
        _say_no_effect(unheard, "the phantom", say)
        return _phantom_store(data, phantom, say, progress)
    try:
        is_store = path.is_dir() and (path / MANIFEST).exists()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}; check the path and its rights") from error
    if is_store:
        store = SliceStore.open(path)
        _say_differences(store, data, say)
        _say_no_effect(unheard, f"the store {path}", say)
        return store
    return _raw_store(path, data, raw or RawSettings(), say, progress)


def _phantom_store(
    data: DataSettings, phantom: PhantomSettings, say: Callable[[str], None], progress: Counting
) -> SliceStore:
    from seasa_da.data.phantom import PHANTOM_VERSION, make_phantom
    from seasa_da.data.prepare import prepare
    from seasa_da.data.preprocess import PREPROCESS_VERSION

    made_of = {"phantom": phantom.model_dump(mode="json"), "phantom_version": PHANTOM_VERSION}
    store = _store_path({**made_of, "data": data.model_dump(mode="json"), "preprocess_version": PREPROCESS_VERSION})
    if store.exists():
        return _cached(store)
    raw = cache_dir() / f"phantom-{_digest(made_of)}"
    cases = 2 * (phantom.train_cases + phantom.test_cases)
    if not raw.exists():
        say(f"making the phantom: {cases} volumes in {raw}")
        with progress("making the phantom", cases) as step:
            _first_or_other(raw, lambda: make_phantom(raw, phantom, on_case=step))
    # our own volumes: what was chosen for them is no news
    say(f"preparing {cases} volumes of {raw} into {store}")
    _first_or_other(store, lambda: prepare(raw, store, data, progress=progress))
    return _cached(store)


def _raw_store(
    raw: Path, data: DataSettings, raw_settings: RawSettings, say: Callable[[str], None], progress: Counting
) -> SliceStore:
    from seasa_da.data.prepare import prepare
    from seasa_da.data.preprocess import PREPROCESS_VERSION
    from seasa_da.data.raw_folder import open_raw
    from seasa_da.data.reuse import file_hash, relative_name, source_hashes

    folder = open_raw(raw, raw_settings)
    used = [(domain, files) for domain in folder.data.domains for files in domain.cases if files.split]
    count = sum(len(files.paths) for _, files in used)
    say(f"looking for a store of {raw} in the cache ({count} files)")
    hashes = source_hashes(raw, [files for _, files in used], progress=progress)
    cases = [
        (domain.name, files.id, files.split, *own.items()) for (domain, files), own in zip(used, hashes, strict=True)
    ]
    described = {relative_name(file, raw): file_hash(file) for file in folder.data.files}
    reader = f"{folder.reader.name} {folder.reader.version}, preprocessing {PREPROCESS_VERSION}"
    settings = data.model_dump(mode="json")
    store = _store_path({"cases": cases, "described": described, "reader": reader, "data": settings})
    # which store was made of this folder last: most of its cases may be in the next one, too
    latest = cache_dir() / "latest" / f"{_digest({'raw': str(raw.resolve()), 'data': settings})}.json"
    make = partial(prepare, raw, store, data, raw_settings, progress=progress, say=say, reuse=_named_in(latest))
    if folder.data.faults:
        make()  # refuses them, whether there is a store or not
    if not store.exists():
        say(f"preparing {len(used)} volumes of {raw} into {store}")
        _first_or_other(store, make)
        latest.parent.mkdir(parents=True, exist_ok=True)
        write_json_atomic(latest, {"store": str(store)})
    return _cached(store)


def _named_in(latest: Path) -> Path | None:
    """The store that a file of `_raw_store` names; a file that is missing or broken names none."""
    try:
        return Path(read_json(latest)["store"])
    except (UserError, KeyError, TypeError):
        return None


def _first_or_other(target: Path, make: Callable[[], Any]) -> None:
    """Make the folder `target`; if another process finished it meanwhile, theirs is as good.

    Folders in the cache appear by a rename when they are complete, so one that exists is complete.
    """
    try:
        make()
    except UserError:
        if not target.exists():
            raise


def _cached(store: Path) -> SliceStore:
    try:
        return SliceStore.open(store)
    except UserError as error:
        raise UserError(f"{error} (remove the folder {store}, it will be made again)") from error


def _store_path(made_of: dict[str, Any]) -> Path:
    return cache_dir() / "stores" / _digest(made_of)


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _say_no_effect(unheard: list[str], on: str, say: Callable[[str], None]) -> None:
    if unheard:
        say(f"{', '.join(unheard)}: of no effect on {on}, whose cases and splits are what they are")


def _say_differences(store: SliceStore, data: DataSettings, say: Callable[[str], None]) -> None:
    own, asked = store.settings.model_dump(), data.model_dump()
    different = [f"{name}={own[name]!r} (not {asked[name]!r})" for name in own if own[name] != asked[name]]
    if different:
        say(f"the store {store.path} keeps its own settings: {', '.join(different)}")
