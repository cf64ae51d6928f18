"""The data of a finished run, where they still are what they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seasa_da.config import RunSettings
from seasa_da.data.locate import locate_store
from seasa_da.data.store import SliceStore
from seasa_da.errors import UserError
from seasa_da.inspection.run_files import RunFiles


def common_settings(run: RunFiles) -> RunSettings:
    """What every run has; a method's own sections need not be known here. Raises `UserError` for a damaged file."""
    from pydantic import ValidationError

    content: Mapping[str, Any] = run.settings
    try:
        return RunSettings.model_validate({name: content[name] for name in RunSettings.model_fields if name in content})
    except ValidationError as error:
        raise UserError(f"{run.folder.config} is damaged ({error.errors()[0]['msg']}); copy the run again") from None


def store_of_run(run: RunFiles, say: Callable[[str], None]) -> SliceStore:
    """The store that a run was trained and scored on.

    Raises:
        UserError: the data are not where they were, or are others.
    """
    settings = common_settings(run)
    data = Path(run.record["data"]) if run.record["data"] else None
    if data is not None and not data.exists():
        raise UserError(f"the data are not at {data} any more")
    store = locate_store(data, settings.data, settings.phantom, settings.raw, say=say)
    if not holds_data_of(store, run):
        raise UserError(f"{store.path} holds other data than the run was trained on")
    return store


def holds_data_of(store: SliceStore, run: RunFiles) -> bool:
    """Whether a store has what a run was trained on. Raises `UserError` for a domain that it has not."""
    settings = common_settings(run)
    images = [(settings.src, "train", "images"), (settings.tgt, "train", "images")]
    # The fingerprint has the labels of the domain that was trained on, by their hash in the manifest.
    prints = {store.fingerprint([*images, (labelled, "train", "labels")]) for labelled in (settings.src, settings.tgt)}
    return run.record["data_fingerprint"] in prints
