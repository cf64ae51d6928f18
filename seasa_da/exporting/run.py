"""A run's segmenter as a file: what `seasa-da export` does, for Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from seasa_da.data.recipe import Recipe
from seasa_da.exporting.formats import find_format
from seasa_da.exporting.network import Exported, export_network, refuse_used_file
from seasa_da.exporting.slices import slices_of_run, slices_of_volume
from seasa_da.training.job import Observer
from seasa_da.training.network import network_of_run
from seasa_da.training.run_folder import RunFolder
from seasa_da.version import __version__

PREPROCESSING = (
    "A volume is resampled to slices of size x size pixels of spacing_mm, slice_mm apart, about the centre of its "
    "field of view, along the patient's axes. Rows run from head to feet (axial: front to back), columns from right to "
    "left (sagittal: front to back).",
    "Its intensities s follow the channel's rule, measured on those slices within the field of view. zscore:P: the "
    "brightest P percent are clipped, then mean 0 and standard deviation 1. window:A,B: clipped to A to B. "
    "percentiles:P,Q: its P-th and Q-th percentiles become -1 and 1, and what lies beyond is clipped.",
    "What goes in is 2 (s - lo) / (hi - lo) - 1, clipped to [-1, 1].",
    "What comes out are logits: a pixel is of the class with the largest; the softmax over axis 1 gives probabilities.",
)


def export_run(
    run: str | Path,
    out: str | Path,
    *,
    kind: str = "onnx",
    volume: Sequence[str | Path] = (),
    observer: Observer | None = None,
) -> Exported:
    """Write the network that is a run's result, and a description of all that is needed to use it.

    The file takes images `(N, C, H, W)` float32 in [-1, 1], for any N, and gives logits `(N, K, H, W)`: trunk and main
    head in evaluation mode. It is kept only if it says what the run's own network says on real slices.

    Args:
        run: the run's folder.
        out: the file; its description is `OUT.json`.
        kind: "onnx" or "torchscript".
        volume: NIfTI files of one volume of the target, one a channel, to check on; by default the run's own test
            volumes.
        observer: where to report to.

    Raises:
        UserError: not a run's folder, no checkpoint, no data to check on, files that exist, a missing package.
        ExportError: a network that cannot be exported, or whose file disagrees with it.
    """
    out = Path(out)
    find_format(kind)
    refuse_used_file(out)
    folder, content, record = RunFolder.open(Path(run))
    recipe = Recipe.read(folder.inference)
    net = network_of_run(folder, content, recipe, torch.device("cpu"))
    if volume:
        slices = slices_of_volume([Path(file) for file in volume], recipe)
    else:
        slices = slices_of_run(content, record, recipe, observer or Observer())
    return export_network(net, slices, out, kind, _about(content, recipe))


def _about(content: Mapping[str, Any], recipe: Recipe) -> dict[str, Any]:
    values, data = recipe.label_values(), recipe.data
    return {
        "classes": [
            {"index": index, "name": name, "label_value": value}
            for index, (name, value) in enumerate(zip(("background", *recipe.class_names), values, strict=True))
        ],
        "axis": recipe.axis,
        "size": data.size,
        "spacing_mm": data.spacing_mm,
        "slice_mm": data.slice_mm or data.spacing_mm,
        "depth_mm": data.depth_mm,
        "domain": recipe.tgt,
        "intensity": {
            name: [
                {"channel": channel.name, "rule": channel.rule, "lo": channel.lo, "hi": channel.hi}
                for channel in domain.channels
            ]
            for name, domain in recipe.domains.items()
        },
        "preprocessing": list(PREPROCESSING),
        "run": {name: content.get(name) for name in ("method", "recipe", "addons", "src", "tgt", "seed", "preset")},
        "seasa_da": __version__,
    }
