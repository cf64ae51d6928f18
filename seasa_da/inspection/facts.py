"""What was run and on which data, as terms and texts, and what may be said of the labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

DOOR = (
    "Target labels have one door: training reads target images alone, and only the evaluation opens the target's "
    "labels, after training. A method marked oracle is the exception: it trained on them, and is no result."
)
NO_LABELS = "The target has no test labels: nothing is scored, and the predictions can only be looked at."
ANONYMISED = "Anonymised: cases are numbered, and there are no pictures."


def settings_facts(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a reader asks first; the whole of the settings stands below."""
    train, model, data = (settings.get(name) or {} for name in ("train", "model", "data"))
    return [
        ("Network", f"DeepLabV2, {model.get('backbone')}, from {_weights(settings)} weights"),
        ("Budget", f"{train.get('iterations')} updates of {train.get('batch_size')} images"),
        ("Slices", f"{data.get('size')} x {data.get('size')} pixels of {data.get('spacing_mm')} mm"),
        ("Preset", str(settings.get("preset"))),
    ]


def data_fact(data: str | None, anonymised: bool) -> tuple[str, str]:
    """Where the data lie; a path may name a patient."""
    if data is None:
        return "Data", "the built-in phantom: analytic volumes, no patient"
    return "Data", "not named (anonymised)" if anonymised else data


def run_facts(metrics: Mapping[str, Any], record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The seed, the choice of the checkpoint, the data's fingerprint, versions and machine of a run."""
    selected = metrics.get("selected") or {}
    which = f", update {selected['updates']}" if "updates" in selected else ""
    found = [
        ("Seed", str(metrics.get("seed"))),
        ("Checkpoint chosen by", f"{metrics.get('selection', 'last')}{which}"),
        ("Training", f"{metrics.get('train_seconds', 0):.0f} s on {record.get('device', 'an unknown device')}"),
        ("Data fingerprint", f"`{metrics.get('data_fingerprint')}`"),
        ("Versions", versions_text(metrics.get("versions") or {})),
    ]
    if metrics.get("code"):
        found.append(("Code", f"`{metrics['code']}`"))
    return found


def versions_text(versions: Mapping[str, str]) -> str:
    """ "seasa-da 0.1.0, torch 2.4.0"."""
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def together(values: Iterable[str]) -> str:
    """Each value once, as they come; "" for none."""
    return "; ".join(dict.fromkeys(value for value in values if value))


def _weights(settings: Mapping[str, Any]) -> str:
    return "pretrained" if settings.get("weights") else "random"
