"""Making one run, in a child: it imports torch, the parent does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from seasa_da.comparison.claims import Claim, claim_place
from seasa_da.comparison.common import Common
from seasa_da.comparison.messages import Send, counter, sayer
from seasa_da.comparison.places import Place
from seasa_da.comparison.plan import compose_cell, overrides_of
from seasa_da.errors import NonFiniteLoss, UserError


@dataclass(frozen=True)
class MakeRun:
    """Train and score one run, from where an earlier try stopped, and give it its final name."""

    place: Place
    common: Common
    tracking_uri: str
    tracking_tags: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, send: Send) -> dict[str, Any]:
        """`won`: false if another process had the same run finished before. Raises what training raises."""
        from seasa_da.training import run
        from seasa_da.training.trainer import Progress

        moved = False

        def advance(progress: Progress) -> None:
            nonlocal moved
            moved = True
            send({"kind": "progress", "stage": progress.stage, "share": progress.share})

        observer = run.Observer(say=sayer(send), progress=advance, counting=counter(send))
        with claim_place(self.place) as claim:
            if self.place.run.finished:
                claim.remove()
                return {"won": False}
            try:
                if self._goes_on(claim, observer.say):
                    try:
                        run.resume(claim.run.path, observer=observer)
                    except UserError as error:
                        # What cannot be gone on with fails before the first update; a disk that is full is no damage.
                        if moved or isinstance(error, NonFiniteLoss) or isinstance(error.__cause__, OSError):
                            raise
                        observer.say(f"cannot go on with an earlier try ({error}); starting anew")
                        self._start(claim, observer)
                else:
                    self._start(claim, observer)
            except NonFiniteLoss:
                claim.remove()  # it would come to the same end again
                raise
            except BaseException:
                if not claim.run.checkpoints.is_dir():
                    claim.remove()
                raise
            return {"won": claim.publish()}

    def _start(self, claim: Claim, observer: Any) -> None:
        from seasa_da.training.run import train

        claim.empty()
        cell = self.place.cell
        train(
            cell.row.method,
            *cell.direction,
            data=self.common.data,
            preset=self.common.preset,
            seed=cell.seed,
            addons=cell.row.addons,
            overrides=overrides_of(cell.row, self.common),
            weights=self.common.weights,
            out=claim.run.path,
            tracking_uri=self.tracking_uri,
            tracking_tags=self.tracking_tags,
            reference=False,
            anonymise=self.common.anonymise,
            observer=observer,
        )

    def _goes_on(self, claim: Claim, say: Callable[[str], None]) -> bool:
        """Whether an earlier try was of the same settings; a program that changed since may compose others."""
        if not claim.run.record.is_file():
            return False
        try:
            kept = yaml.safe_load(claim.run.config.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError, UnicodeDecodeError):
            kept = None
        same = kept == compose_cell(self.place.cell, self.common)[1].model_dump(mode="json")
        if not same:
            say("an earlier try was of other settings, or is damaged; starting anew")
        return same
