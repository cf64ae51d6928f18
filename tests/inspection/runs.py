"""Folders that look like finished runs, without training."""

import json

import nibabel
import numpy as np
import yaml
from toys import compose_run

CASES = ("1001", "1002")
SHAPE = (6, 8, 8)


def write_run(folder, *, method="ours", labelled=True, cases=CASES, record=None, addons=(), **more):
    """A run of the smoke preset whose data are gone, with predictions of class 1 in a corner."""
    settings, _ = compose_run(method, addons)
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
    run = {"data": str(folder / "gone"), "tracking_uri": "none", "reference": False, "anonymise": False}
    (folder / "run.json").write_text(
        json.dumps({**run, "data_fingerprint": "f" * 64, "device": "cpu", **(record or {})})
    )
    names = ["AA", "MYO"]
    dice = {"AA": 80.0, "MYO": 40.0, "mean": 60.0} if labelled else dict.fromkeys([*names, "mean"])
    asd = {"AA": 2.0, "MYO": 4.0, "mean": 3.0} if labelled else dict.fromkeys([*names, "mean"])
    metrics = {
        **{name: getattr(settings, name) for name in ("method", "recipe", "src", "tgt", "seed", "preset")},
        "schema_version": 1,
        "addons": list(addons),
        "iterations": settings.train.iterations,
        "oracle": method == "supervised",
        "train_seconds": 1.5,
        "data_fingerprint": "f" * 64,
        "versions": {"torch": "2.4"},
        "units": "mm",
        "dice": dice,
        "asd": asd,
        "asd_undefined": dict.fromkeys(names, 0 if labelled else None),
        "label_free": {"entropy": 0.25},
        **more,
    }
    scores = [
        {"case": case, "structure": name, "dice": dice[name], "asd": asd[name], "voxels_truth": 9, "voxels_pred": 8}
        for case in cases
        for name in names
    ]
    (folder / "per_case.json").write_text(json.dumps(scores if labelled else []))
    line = {"stage": 0, "stage_name": "adapt", "iteration": 4, "losses": {"seg_ce_loss": 1.0}}
    (folder / "log.jsonl").write_text(json.dumps(line) + "\n" + json.dumps({**line, "iteration": 8}) + "\n")
    (folder / "predictions").mkdir()
    for case in cases:
        volume = np.zeros(SHAPE, dtype=np.uint8)
        volume[:, :3, :3] = 1
        nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), folder / "predictions" / f"{case}.nii.gz")
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return folder
