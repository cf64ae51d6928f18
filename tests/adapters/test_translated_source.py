import copy

import torch
from toys import Counted, build_adapter, changed, snapshot, toy_pair


def test_the_segmenter_sees_translated_source_and_the_translator_stays():
    adapter, batch = build_adapter("cyclegan"), toy_pair()
    translator = copy.deepcopy(adapter.models["G_ST"])
    trunk = Counted(adapter.models["G"])
    seen = []
    trunk.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    adapter.models["G"] = trunk
    before = snapshot({"G_ST": adapter.models["G_ST"]})
    adapter.training_step(batch)
    assert len(seen) == 1 and seen[0].equal(translator(batch["src_imgs"]).detach())
    assert not changed(before, snapshot({"G_ST": adapter.models["G_ST"]}))
    assert all(p.grad is None for p in adapter.models["G_ST"].parameters())


def test_the_loss_falls_on_a_toy_pair():
    torch.manual_seed(0)
    adapter = build_adapter("cyclegan", overrides=("train.lr=0.05", "translation.residual=true"))
    course = [sum(adapter.training_step(toy_pair())["g_loss"].values()).item() for _ in range(25)]
    assert course[-1] < 0.8 * course[0]
