import shutil

import pytest
import torch

from seasa_da.adapters import StageContext
from seasa_da.errors import UserError
from seasa_da.models import build_segmenter
from seasa_da.registry import compose_run
from seasa_da.training.compiled import check_compiler, compile_networks, leave_compiled


def losses_of_two_updates(compiled, backend):
    torch.manual_seed(0)
    torch._dynamo.reset()
    spec, settings = compose_run("ours", preset="smoke")
    models = build_segmenter(settings.model, in_channels=1, num_classes=3, size=(32, 32), weights=None)
    context = StageContext(settings, 3, models["G"].channels[0], (1, 32, 32), dict(models))
    stage = spec.load_stages()(settings)[0]
    adapter = stage.build(context)
    if compiled:
        compile_networks(adapter.models.values(), backend)
    draw = torch.Generator().manual_seed(1)
    images = torch.rand(5, 2, 1, 32, 32, generator=draw) * 2 - 1
    batch = {
        "src_imgs": images[0],
        "src_labels": torch.randint(3, (2, 32, 32), generator=draw),
        "target_imgs": images[1],
        "fourier_imgs": images[2:].transpose(0, 1),
        "target_seeds": torch.arange(2),
    }
    adapter.train_mode()
    found = [adapter.training_step(dict(batch), progress=1.0) for _ in range(2)]
    weights = {name: model.state_dict() for name, model in adapter.models.items()}
    return [{name: float(loss) for part in losses.values() for name, loss in part.items()} for losses in found], weights


def test_compiled_networks_train_as_others_do_but_for_rounding():
    # Inductor itself takes minutes here: what it is given is the same graphs.
    eager, eager_weights = losses_of_two_updates(False, "aot_eager")
    compiled, compiled_weights = losses_of_two_updates(True, "aot_eager")
    for one, other in zip(eager, compiled, strict=True):
        assert other == pytest.approx(one, rel=1e-4, abs=1e-6)
    assert eager_weights.keys() == compiled_weights.keys()
    for name, tensors in eager_weights.items():
        assert list(tensors) == list(compiled_weights[name])  # a checkpoint of one is one of the other
        for key, value in tensors.items():
            torch.testing.assert_close(compiled_weights[name][key], value, rtol=1e-3, atol=1e-5)


def test_a_network_is_compiled_once():
    network = torch.nn.Linear(1, 1)
    compile_networks([network], "eager")
    before = network._compiled_call_impl
    compile_networks([network], "eager")
    assert before is not None
    assert network._compiled_call_impl is before


def test_without_a_compiler_it_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(UserError, match=r"train\.compile wants a C\+\+ compiler, g\+\+"):
        check_compiler()
    monkeypatch.setattr(shutil, "which", lambda name: name if name == "g++" else None)
    check_compiler()
    monkeypatch.setenv("CXX", "clang++")
    with pytest.raises(UserError, match=r"clang\+\+ \(\$CXX"):
        check_compiler()
    monkeypatch.setenv("CXX", "g++ -m64")  # torch takes a command with its options, too
    check_compiler()


def test_more_networks_of_a_kind_are_compiled_than_torch_would():
    class Twice(torch.nn.Module):
        def __init__(self, width):
            super().__init__()
            self.layer = torch.nn.Linear(width, width)

        def forward(self, x):
            return self.layer(self.layer(x))

    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    torch._dynamo.reset()
    networks = [Twice(width) for width in range(1, 13)]
    compile_networks(networks, backend)
    for width, network in enumerate(networks, start=1):
        network(torch.zeros(2, width))
    assert len(graphs) == len(networks)


def test_torchs_own_compiler_draws_random_numbers_as_without(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **options: asked.append(options))
    compile_networks([torch.nn.Linear(1, 1)])
    assert asked == [{"backend": "inductor", "dynamic": False, "options": {"fallback_random": True}}]


def test_what_is_left_compiles_no_more():
    graphs = []
    network = torch.nn.Linear(2, 2)
    compile_networks([network], lambda graph, inputs: graphs.append(graph) or graph.forward)
    network(torch.zeros(1, 2))
    before = len(graphs)
    leave_compiled([network])
    network(torch.zeros(3, 2))
    assert len(graphs) == before > 0
