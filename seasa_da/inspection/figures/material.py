"""What figures are made of: slices with predictions, and networks where the data are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import nibabel
import numpy as np
import torch
from numpy.typing import NDArray

from seasa_da.config import ViewSettings
from seasa_da.data.datasets import ImageSlices, shared_class_names
from seasa_da.data.recipe import Recipe
from seasa_da.data.store import CaseRecord, SliceStore
from seasa_da.errors import UserError
from seasa_da.evaluation.case_names import case_names
from seasa_da.evaluation.truth import case_truth
from seasa_da.inspection.figures.runs import ShownRuns
from seasa_da.inspection.pictures import read_prediction
from seasa_da.inspection.run_files import RunFiles
from seasa_da.inspection.stores import holds_data_of, store_of_run
from seasa_da.models import Segmenter
from seasa_da.prediction.voting import Voter
from seasa_da.reporting.colours import Palette
from seasa_da.reporting.overlays import slice_to_show
from seasa_da.training.network import network_of_run


class NotThereError(Exception):
    """Why a figure cannot be made: something that it needs is not there."""


@dataclass(frozen=True)
class Options:
    """How much is shown.

    Attributes:
        palette: of the structures.
        cases: test volumes, the first ones.
        case: names of those to show, in place of the first ones.
        slice_index: of each, from 0; by default the one with most foreground in the prediction of the main run.
        say: called with lines for the user.
    """

    palette: Palette = "paper"
    cases: int = 2
    case: Sequence[str] = ()
    slice_index: int | None = None
    say: Callable[[str], None] = field(default=lambda line: None)


@dataclass(frozen=True)
class Slice:
    """One slice of a test volume of the target.

    Attributes:
        side: what stands beside it: the case's name, the slice.
        index: of the slice in its volume.
        predictions: `(H, W)` labels by the run's name.
        pixel_mm: (row, column) size of a pixel.
        image: `(C, H, W)` in [-1, 1], `None` where the data are gone.
        truth: labels `(H, W)`, `None` without labels or data.
    """

    side: tuple[str, ...]
    index: int
    predictions: dict[str, NDArray[np.uint8]]
    pixel_mm: tuple[float, float]
    image: NDArray[np.float32] | None = None
    truth: NDArray[np.uint8] | None = None


class Material:
    """Runs, and what is read of them when a figure asks for it; nothing is read twice."""

    def __init__(self, shown: ShownRuns, options: Options) -> None:
        self.shown = shown
        self.options = options
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._networks: dict[str, Segmenter] = {}

    @property
    def structures(self) -> tuple[str, ...]:
        return self.shown.structures

    @cached_property
    def _found_store(self) -> SliceStore | str:
        """The store, or why it is not there."""
        try:
            store = store_of_run(self.shown.run, self._say)
            for name, run in self.shown.runs.items():
                if not holds_data_of(store, run):
                    raise UserError(f"{name} was trained on other data than {self.shown.main}")
            names, _ = shared_class_names(store, *self.shown.direction)
            if names != self.structures:
                raise UserError(f"{store.path} has other structures than the runs")
            return store
        except UserError as error:
            # a path may name a patient
            return "the data are gone, or were changed" if self.shown.anonymised else str(error).rstrip(".")

    def _say(self, line: str) -> None:
        if not self.shown.anonymised:
            self.options.say(line)

    @property
    def why_no_data(self) -> str | None:
        """Why the data are not there; `None` where they are."""
        return self._found_store if isinstance(self._found_store, str) else None

    @property
    def store(self) -> SliceStore:
        """The runs' store. Raises `NotThereError`."""
        if isinstance(self._found_store, str):
            raise NotThereError(self._found_store)
        return self._found_store

    def network(self, name: str) -> Segmenter:
        """The network of a run, by the name shown. Raises `NotThereError`."""
        if name not in self._networks:
            run = self.shown.runs[name]
            recipe = Recipe.of_store(self.store, *self.shown.direction, self.structures)
            try:
                self._networks[name] = network_of_run(run.folder, run.settings, recipe, self.device)
            except UserError as error:
                said = "no network could be loaded" if self.shown.anonymised else str(error).rstrip(".")
                raise NotThereError(f"{name}: {said}") from None
        return self._networks[name]

    def voter(self, name: str) -> Voter:
        """Votes of a run's network with the views of its settings. Raises `NotThereError`."""
        run, network = self.shown.runs[name], self.network(name)
        views = ViewSettings.model_validate(run.settings.get("views", {}))
        sources = ImageSlices(self.store, self.shown.direction.src)
        models: dict[str, Any] = {"G": network.trunk, "C": network.head}
        return Voter(models, sources, views, int(run.metrics["seed"]))

    @cached_property
    def test_cases(self) -> dict[str, CaseRecord]:
        """Records of the target's test volumes by id; none where the data are gone."""
        if self.why_no_data:
            return {}
        return {case.id: case for case in self.store.domain(self.shown.direction.tgt).split_cases("test")}

    @cached_property
    def slices(self) -> list[Slice]:
        """Those to show. Raises `NotThereError` without predictions, `UserError` for cases or slices there are not."""
        names = self._case_names()
        if not names:
            raise NotThereError("no predicted volume is in the folders of all runs")
        wanted = list(names)[: self.options.cases]
        if self.options.case:
            for name in self.options.case:
                if name not in names:
                    raise UserError(f"--case {name!r} is no test volume of these runs; there are: {', '.join(names)}")
            wanted = list(dict.fromkeys(self.options.case))
        return [self._slice(name, *names[name]) for name in wanted]

    def _case_names(self) -> dict[str, tuple[dict[str, str], CaseRecord | None]]:
        """What volumes are called in figures, with the names of their files by run, and their records."""
        runs = self.shown.runs
        written = {name: set(run.predictions()) for name, run in runs.items()}
        if self.test_cases:
            of_runs = {name: case_names(self.test_cases, run.anonymised) for name, run in runs.items()}
            called = case_names(self.test_cases, self.shown.anonymised)
            return {
                called[case]: ({name: own[case] for name, own in of_runs.items()}, record)
                for case, record in self.test_cases.items()
                if all(own[case] in written[name] for name, own in of_runs.items())
            }
        if len({run.anonymised for run in runs.values()}) > 1:
            return {}  # whose is whose is not known
        common = sorted(set.intersection(*written.values()))
        return {case: (dict.fromkeys(runs, case), None) for case in common}

    def _slice(self, called: str, files: dict[str, str], record: CaseRecord | None) -> Slice:
        volumes = {name: read_prediction(run, files[name]) for name, run in self.shown.runs.items()}
        shape = volumes[self.shown.main].shape
        if any(volume.shape != shape for volume in volumes.values()):
            raise UserError(f"the predictions of {called} differ in shape between the runs; make figures of each alone")
        index = self.options.slice_index
        if index is None:
            index = slice_to_show(volumes[self.shown.main])
        elif not 0 <= index < shape[0]:
            raise UserError(f"--slice {index}: {called} has slices 0 to {shape[0] - 1}")
        found = Slice(
            side=(called, f"slice {index}") if shape[0] > 1 else (called,),
            index=index,
            predictions={name: volume[index] for name, volume in volumes.items()},
            pixel_mm=_pixel_mm(self.shown.run, files[self.shown.main], record),
        )
        if record is None:
            return found
        domain = self.shown.direction.tgt
        image = np.array(self.store.images(domain, "test")[record.start + index], dtype=np.float32)
        if image.shape[1:] != shape[1:] or record.stop - record.start != shape[0]:
            raise UserError(f"the predictions of {called} are not of the shape of its slices; train the run again")
        truth = case_truth(self.store, domain, record, self.structures)
        return Slice(**{**vars(found), "image": image, "truth": None if truth is None else truth[index]})


def _pixel_mm(run: RunFiles, file: str, record: CaseRecord | None) -> tuple[float, float]:
    if record is not None:
        return record.spacing_mm[1], record.spacing_mm[2]
    zooms = nibabel.nifti1.load(run.folder.predictions / f"{file}.nii.gz").header.get_zooms()
    return float(zooms[1]), float(zooms[2])
