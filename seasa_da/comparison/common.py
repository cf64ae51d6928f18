"""What all runs of a comparison have in common."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seasa_da.config import OWN_OPTIONS, load_config_file
from seasa_da.errors import UserError
from seasa_da.files import sha256_file


@dataclass(frozen=True)
class Common:
    """Settings that are the same in every run; a comparison keeps them in its `compare.json`.

    Attributes:
        data: absolute path of a store or a raw folder; `None` for the phantom.
        preset: `None` as long as it depends on the machine.
        overrides: as given to `--set`; a row without such a section goes without.
        config: content of the `--config` file, without what the comparison's own options say.
        weights: absolute path of the trunk's weights, and their SHA-256.
        anonymise: keep case ids out of tables, pictures and MLflow.
    """

    data: str | None = None
    preset: str | None = None
    overrides: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    weights: str | None = None
    weights_sha256: str | None = None
    anonymise: bool = False

    def assignments(self) -> list[str]:
        """The file's settings, then the overrides, as `name=value`."""
        return [*_assignments(self.config), *self.overrides]

    def content(self) -> dict[str, Any]:
        """As JSON has it."""
        return json.loads(json.dumps(asdict(self), default=str))

    def differences(self, other: Mapping[str, Any]) -> list[str]:
        """What another comparison's `content()` has differently, as "preset: 'quick', here 'smoke'"."""
        own = self.content()
        return [f"{name}: {other.get(name)!r}, here {own[name]!r}" for name in own if own[name] != other.get(name)]


def load_common(
    *,
    data: str | Path | None,
    preset: str | None,
    overrides: tuple[str, ...],
    config: str | Path | None,
    weights: str | Path | None,
    anonymise: bool,
) -> tuple[Common, dict[str, Any]]:
    """The common settings as the user gave them, and what the file says on `src`, `tgt` and `seed`.

    A file's method and add-ons are not taken: the rows have their own.

    Raises:
        UserError: a file that is not there or cannot be read.
    """
    file = load_config_file(Path(config)) if config else {}
    if data is not None and not Path(data).exists():
        raise UserError(f"--data {data} does not exist")
    weights = weights or file.get("weights")
    if weights is not None and not Path(weights).is_file():
        raise UserError(f"--weights {weights} is not a file; give a local file of trunk weights")
    common = Common(
        data=str(Path(data).resolve()) if data else None,
        preset=preset or file.get("preset") or (None if data else "quick"),
        overrides=overrides,
        config=json.loads(json.dumps({k: v for k, v in file.items() if k not in OWN_OPTIONS}, default=str)),
        weights=str(Path(weights).resolve()) if weights else None,
        weights_sha256=sha256_file(Path(weights)) if weights else None,
        anonymise=anonymise,
    )
    return common, {name: file.get(name) for name in ("src", "tgt", "seed")}


def _assignments(content: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _assignments(value, f"{prefix}{name}.")
        elif (prefix, value) != ("", None):  # `recipe: null` of a run without recipes says nothing
            yield f"{prefix}{name}={json.dumps(value)}"
