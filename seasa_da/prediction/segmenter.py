"""A finished run as a segmenter of new volumes."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import Tensor

from seasa_da.config import RunSettings, ViewSettings
from seasa_da.data.case import Case
from seasa_da.data.plausible import not_hounsfield, unusual
from seasa_da.data.recipe import Recipe
from seasa_da.data.slice_grid import Box
from seasa_da.data.voxels import slabs
from seasa_da.errors import UserError
from seasa_da.models import Segmenter as Network
from seasa_da.prediction.back_mapping import BackMapping
from seasa_da.prediction.blending import Blender, as_half, class_probs
from seasa_da.prediction.case_slices import CaseSlices
from seasa_da.prediction.disk_slices import DiskSlices
from seasa_da.prediction.maps import fitting_dtype
from seasa_da.prediction.nibabel_case import case_of_image
from seasa_da.prediction.nifti_writer import output_header
from seasa_da.prediction.voting import Voter, source_of_run
from seasa_da.prediction.windows import Windows
from seasa_da.training.network import network_of_run
from seasa_da.training.run_folder import RunFolder

VERSION = 1
"""Goes up whenever the same network and volume give another segmentation."""


@dataclass(frozen=True, eq=False)
class Block:
    """A part of a prediction.

    Attributes:
        box: of the volume.
        probs: (K, x, y, z) of background and the classes; add up to 1 but for rounding.
        labels: (x, y, z) uint8, 0 to K - 1.
        reliable: (x, y, z) bool, or `None` where nobody asked.
    """

    box: Box
    probs: NDArray[np.float32]
    labels: NDArray[np.uint8]
    reliable: NDArray[np.bool_] | None


class Segmenter:
    """Segments volumes in their own grids; `Segmenter.load(run)`.

    Beyond the depth that the run's slices have about a volume's centre, everything is background.

    Attributes:
        recipe: how volumes become slices, and the classes' names.
        domain: whose intensity rules and label values are used.
        label_values: of background and of each class, in the segmentations.
        device: where the network is.
    """

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        device: torch.device,
        domain: str | None = None,
        make_voter: Callable[[], Voter] | None = None,
    ) -> None:
        self.recipe = recipe
        self.domain = domain or recipe.tgt
        self.label_values = recipe.label_values(domain)
        self.device = device
        self._channels = recipe.domain(domain).channels
        self._usual = recipe.domain(domain).usual
        self._network = network
        self._make_voter = make_voter
        self._blender = Blender(self._probs, len(self.label_values), device)
        self._votes: Blender | None = None
        self._identity = ""

    @classmethod
    def load(cls, run: str | Path, device: str | None = None, *, domain: str | None = None) -> Segmenter:
        """The segmenter that is a run's result. The run's data need not be there.

        Args:
            run: its folder.
            device: such as "cpu" or "cuda:1"; by default a GPU where there is one.
            domain: whose volumes are to come: one of the run's two, by default the target.

        Raises:
            UserError: not a run's folder, one without a checkpoint, or damaged; no such device or domain.
        """
        folder, content, record = RunFolder.open(Path(run))
        recipe = Recipe.read(folder.inference)
        recipe.domain(domain)
        chosen = find_device(device)
        try:
            # not the method's own sections: a plug-in that was trained need not be there
            common = {name: value for name, value in content.items() if name in RunSettings.model_fields}
            settings = RunSettings.model_validate(common)
            views = ViewSettings.model_validate(content.get("views", {}))
        except ValidationError as error:
            raise UserError(f"{folder.config} is damaged ({error.errors()[0]['msg']}); copy the run again") from None
        network = network_of_run(folder, content, recipe, chosen)

        def voter() -> Voter:
            sources = source_of_run(settings, record, folder.path)
            return Voter({"G": network.trunk, "C": network.head}, sources, views, settings.seed)

        return cls(network, recipe, chosen, domain, voter)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The run's structures; `label_values[i + 1]` is that of `class_names[i]`."""
        return self.recipe.class_names

    @property
    def identity(self) -> str:
        """A hash (hexadecimal) of the network and of all that turns a volume into its segmentation."""
        if not self._identity:
            digest = hashlib.sha256(self.recipe.model_dump_json().encode())
            digest.update(f"{self.domain} {VERSION}".encode())
            for name, tensor in self._network.state_dict().items():
                digest.update(name.encode())
                digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
            self._identity = digest.hexdigest()
        return self._identity

    @property
    def channels(self) -> int:
        """How many channels an image must have."""
        return len(self._channels)

    def predict(self, image: nibabel.Nifti1Image) -> nibabel.Nifti1Image:
        """Segment an image: the same shape, affine, units and voxel sizes, with the label values of `domain`'s files.

        What is unusual about its intensities is a warning. Files larger than the memory: `predict_files`.

        Args:
            image: 3D, or 4D (X, Y, Z, C) for a run on several channels.

        Raises:
            UserError: not an image that the run can read.
        """
        case = case_of_image(image, self.channels)
        values = np.array(self.label_values, dtype=fitting_dtype(self.label_values))
        labels = np.empty(case.image.shape[1:], dtype=values.dtype)
        for block in self.blocks(case, warn=lambda line: warnings.warn(line, stacklevel=4)):
            labels[block.box] = values[block.labels]
        header = output_header(image, labels.shape, values.dtype)
        return type(image)(labels, image.affine, header)

    def want_votes(self) -> None:
        """Make ready for reliability maps. Raises `UserError` where the run's source slices are not there."""
        if self._votes is None:
            if self._make_voter is None:
                raise UserError("this segmenter was not loaded from a run: it has no source slices for reliability")
            voter = self._make_voter()
            self._votes = Blender(voter, 1, self.device, voter.images)

    def blocks(
        self,
        case: Case,
        *,
        reliability: bool = False,
        warn: Callable[[str], None] = lambda line: None,
        folder: Path | None = None,
    ) -> Generator[Block, None, None]:
        """The prediction of a case in parts that follow each other as in a NIfTI file; its label is not looked at.

        Args:
            reliability: also say which predictions are reliable.
            warn: called with a line for what is unusual about the case's intensities.
            folder: where temporary files lie, by default the system's place for them.

        Raises:
            UserError: a fault of the case's files, no room, or, with `reliability`, no source slices.
        """
        if reliability:
            self.want_votes()
        if case.image.shape[0] != self.channels:
            raise UserError(f"case {case.id} has {case.image.shape[0]} channels, the run {self.channels}")
        slices = CaseSlices(case, self.recipe.data, self.recipe.axis, self._channels)
        for line in self._unusual(slices):
            warn(line)
        depth, height, width = slices.grid.shape
        self._refuse_vast(case, height, width)
        windows = Windows.over(height, width, self.recipe.data.size, slices.crop)
        classes = len(self.label_values)
        x, y, z = case.image.shape[1:]
        mapping = BackMapping(slices.grid, (x, y, z), case.affine)
        with ExitStack() as stack:
            probs = stack.enter_context(DiskSlices((depth, classes, height, width), folder))
            votes = stack.enter_context(DiskSlices((depth, 1, height, width), folder)) if reliability else None
            for first, images in slices.slabs(classes):
                probs.write(first, as_half(self._blender(images, first, windows)).numpy())
                if votes is not None and self._votes is not None:
                    votes.write(first, self._votes(images, first, windows).half().numpy())
            background = np.eye(classes, dtype=np.float32)[0]
            for box in slabs((x, y, z), itemsize=4 * classes):
                place = (box[0], box[1], box[2])
                block = mapping.take(probs, place, background)
                labels = torch.from_numpy(block).max(dim=0).indices.to(torch.uint8).numpy()
                voted = None if votes is None else mapping.take(votes, place, np.zeros(1, dtype=np.float32))[0] >= 0.5
                yield Block(place, block, labels, voted)

    def _probs(self, images: Tensor, places: Any) -> Tensor:
        return class_probs(self._network(images))

    def _refuse_vast(self, case: Case, height: int, width: int) -> None:
        """Before a wrong unit fills the memory: a slice and its maps are in it at once, some of them twice."""
        if 8 * (self.channels + len(self.label_values)) * height * width > psutil.virtual_memory().total:
            raise UserError(
                f"case {case.id} would become slices of {height} x {width} pixels of {self.recipe.data.spacing_mm:g} "
                "mm, more than fit into memory; are its voxel sizes and their unit right?"
            )

    def _unusual(self, slices: CaseSlices) -> list[str]:
        lines = [unusual(slices.intensities, self._usual)]
        for channel, own in zip(self._channels, slices.intensities, strict=True):
            if channel.rule.startswith("window"):
                lines.append(not_hounsfield(channel.name, own))
        return [line for line in lines if line]


def find_device(name: str | None) -> torch.device:
    """A device by name, by default a GPU where there is one. Raises `UserError` for one that is not there."""
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(f"device {name!r} cannot be used ({reason}); cpu can") from None
    if device.type == "meta":
        raise UserError(f"device {name!r} computes nothing; use cpu")
    return device
