from types import SimpleNamespace

import numpy as np
import pytest
from torch import nn

from seasa_da.adapters import Stage
from seasa_da.config import RunSettings
from seasa_da.errors import UserError
from seasa_da.registry import MethodSpec
from seasa_da.training.stages import run_stages


@pytest.mark.parametrize("built", [None, nn.Linear(1, 1)])
def test_a_stage_that_builds_no_adapter_is_named_in_one_line(built):
    job = SimpleNamespace(
        method=MethodSpec("theirs", "s", "m:f"),
        settings=RunSettings(method="theirs"),
        stages=[Stage("first", 4, lambda context: built)],
        class_names=("heart",),
        store=SimpleNamespace(images=lambda domain, split: np.zeros((1, 1, 4, 4))),
    )
    kind = type(built).__name__
    message = f"^method 'theirs' is not usable: stage 'first' built no StageAdapter but {kind}$"
    with pytest.raises(UserError, match=message):
        run_stages(job, {"G": SimpleNamespace(channels=(3,))}, SimpleNamespace(), None)
