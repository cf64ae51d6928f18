"""What a run's data tell whoever predicts with it where these data are not: `RUN/inference.json`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seasa_da.config import DataSettings
from seasa_da.data.case import Axis
from seasa_da.data.plausible import UsualIntensities, usual_intensities
from seasa_da.data.store import ChannelRecord, SliceStore
from seasa_da.errors import UserError
from seasa_da.files import read_json

FORMAT = "seasa-da inference recipe"
VERSION = 1


class DomainRecipe(BaseModel):
    """One domain; see `seasa_da.data.store.DomainInfo`.

    Attributes:
        usual: the intensities of its training volumes; `None` where they are too few to say.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    label_names: tuple[str, ...]
    label_values: tuple[int, ...]
    channels: Annotated[tuple[ChannelRecord, ...], Field(min_length=1)]
    usual: UsualIntensities | None


class Recipe(BaseModel):
    """From a volume to slices and from a run's classes to label values.

    Attributes:
        class_names: label i + 1 of the run is `class_names[i]`.
        data: the settings of the store that the run was trained on.
        axis: its slices.
        domains: source and target, by name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["seasa-da inference recipe"] = "seasa-da inference recipe"
    version: Literal[1] = 1
    class_names: tuple[str, ...]
    src: str
    tgt: str
    axis: Axis
    data: DataSettings
    domains: dict[str, DomainRecipe]

    @classmethod
    def of_store(cls, store: SliceStore, src: str, tgt: str, class_names: Sequence[str]) -> Recipe:
        """The recipe of a run from `src` to `tgt` on a store; no array is touched."""
        domains = {}
        for name in (src, tgt):
            info = store.domain(name)
            seen = [case.intensities for case in info.split_cases("train")]
            domains[name] = DomainRecipe(
                label_names=info.label_names,
                label_values=info.label_values,
                channels=info.channels,
                usual=usual_intensities([channel.name for channel in info.channels], seen),
            )
        return cls(
            class_names=tuple(class_names), src=src, tgt=tgt, axis=store.axis, data=store.settings, domains=domains
        )

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """Read a run's `inference.json`. Raises `UserError` where it is missing, damaged or of another version."""
        if not path.is_file():
            raise UserError(
                f"{path} does not exist: the run was made by an older release, or not copied whole; train it again"
            )
        content = read_json(path)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise UserError(f"{path} is not a {FORMAT}; copy the run's folder again, or train it again")
        if content.get("version") != VERSION:
            raise UserError(f"{path} is of version {content.get('version')!r}, this release reads {VERSION}")
        try:
            recipe = cls.model_validate(content)
        except ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(str(part) for part in fault["loc"])
            raise UserError(f"{path} is damaged at {place}: {fault['msg']}; copy the run's folder again") from None
        if not {recipe.src, recipe.tgt} <= recipe.domains.keys():
            raise UserError(f"{path} is damaged: it does not describe both domains; copy the run's folder again")
        for domain in recipe.domains.values():
            known = domain.label_names or recipe.domains[recipe.src].label_names
            if len(domain.label_names) != len(domain.label_values) or not set(recipe.class_names) <= set(known):
                unknown = next((name for name in recipe.class_names if name not in known), recipe.class_names[0])
                raise UserError(f"{path} is damaged: it does not know the value of {unknown!r}; copy the run again")
        return recipe

    def domain(self, name: str | None = None) -> DomainRecipe:
        """A domain by name, by default the target. Raises `UserError` that lists the run's two."""
        if name is not None and name not in self.domains:
            raise UserError(f"the run knows no domain {name!r}; it adapts {self.src} to {self.tgt}")
        return self.domains[name or self.tgt]

    def label_values(self, domain: str | None = None) -> tuple[int, ...]:
        """The value of background and of each class in a domain's label files, the source's where it has no labels."""
        own = self.domain(domain)
        files = own if own.label_names else self.domains[self.src]
        values = dict(zip(files.label_names, files.label_values, strict=True))
        return (0, *(values[name] for name in self.class_names))
