"""Finding the slice store that a run reads: the user's own, or one made once and kept in the cache."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol

from seasa_da.config import DataSettings, PhantomSettings
from seasa_da.data.store import MANIFEST, SliceStore
from seasa_da.errors import UserError
from seasa_da.files import cache_dir, sha256_file


class Counting(Protocol):
    """Opens a progress display: `progress("making the phantom", 56)` is a context that yields a step callback."""

    def __call__(self, what: str, total: int, /) -> AbstractContextManager[Callable[[], None]]: ...


def no_counting(what: str, total: int) -> AbstractContextManager[Callable[[], None]]:
    """Shows nothing."""
    return nullcontext(lambda: None)


def locate_store(
    path: Path | None,
    data: DataSettings,
    phantom: PhantomSettings,
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
        say: called with lines for the user.
        progress: shows how far long steps are.

    Raises:
        UserError: nothing usable at `path`, or the cache cannot be written.
    """
    if path is None:
        return _phantom_store(data, phantom, say, progress)
    try:
        is_store = path.is_dir() and (path / MANIFEST).exists()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}; check the path and its rights") from error
    if is_store:
        store = SliceStore.open(path)
        _say_differences(store, data, say)
        return store
    return _raw_store(path, data, say, progress)


def _phantom_store(
    data: DataSettings, phantom: PhantomSettings, say: Callable[[str], None], progress: Counting
) -> SliceStore:
    from seasa_da.data.phantom import PHANTOM_VERSION, make_phantom
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
    return _prepared(raw, store, data, cases, say, progress)


def _raw_store(raw: Path, data: DataSettings, say: Callable[[str], None], progress: Counting) -> SliceStore:
    from seasa_da.data.preprocess import PREPROCESS_VERSION
    from seasa_da.data.readers import find_reader

    reader = find_reader(raw)
    found = reader.scan(raw)
    cases = [files for domain in found.domains for files in domain.cases]
    paths = [path for files in cases for path in (files.image, files.label) if path is not None]
    paths += found.files
    say(f"looking for a store of {raw} in the cache ({len(paths)} files)")
    content = {}
    for file in paths:
        try:
            content[_place(file, raw)] = sha256_file(file)
        except OSError as error:
            raise UserError(f"cannot read {file}: {error.strerror or error}") from error
    made_of = {"raw": content, "reader": reader.name, "reader_version": reader.version}
    store = _store_path({**made_of, "data": data.model_dump(mode="json"), "preprocess_version": PREPROCESS_VERSION})
    if store.exists():
        return _cached(store)
    return _prepared(raw, store, data, len(cases), say, progress)


def _place(file: Path, raw: Path) -> str:
    """A file's path from the raw folder, the same wherever that lies, also where a reader has resolved links."""
    if file.is_relative_to(raw):
        return file.relative_to(raw).as_posix()
    return Path(os.path.relpath(file.resolve(), raw.resolve())).as_posix()


def _prepared(
    raw: Path, store: Path, data: DataSettings, cases: int, say: Callable[[str], None], progress: Counting
) -> SliceStore:
    from seasa_da.data.prepare import prepare

    say(f"preparing {cases} volumes of {raw} into {store}")
    with progress("preparing", cases) as step:
        _first_or_other(store, lambda: prepare(raw, store, data, on_case=step, say=say))
    return _cached(store)


def _first_or_other(target: Path, make: Callable[[], None]) -> None:
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


def _say_differences(store: SliceStore, data: DataSettings, say: Callable[[str], None]) -> None:
    own, asked = store.settings.model_dump(), data.model_dump()
    different = [f"{name}={own[name]!r} (not {asked[name]!r})" for name in own if own[name] != asked[name]]
    if different:
        say(f"the store {store.path} keeps its own settings: {', '.join(different)}")
