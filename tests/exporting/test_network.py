"""Networks to files: they say the same at any number of slices, or there is no file."""

import json
import sys
import warnings

import pytest
import torch
from torch import nn
from toys import random_batch, small_segmenter

from seasa_da.errors import UserError
from seasa_da.exporting.agreement import agreement
from seasa_da.exporting.formats import FORMATS, find_format
from seasa_da.exporting.network import ExportError, export_network
from seasa_da.files import sha256_file
from seasa_da.models import Segmenter

ABOUT = {"classes": ["background", "AA", "MYO"]}


@pytest.fixture(scope="module")
def net():
    models = small_segmenter()
    models["G"].train()
    with torch.no_grad():  # running statistics that are not those of the start
        for seed in range(3):
            models["G"](random_batch(seed=seed)["src_imgs"])
    return Segmenter(models).eval()


@pytest.fixture(scope="module")
def slices():
    return random_batch(n=3, seed=7)["target_imgs"]


class Forgetful(nn.Module):
    """Says something else when it is traced than when it is asked."""

    def __init__(self, net, shift):
        super().__init__()
        self.net, self.shift = net, shift

    def forward(self, images):
        tracing = torch.jit.is_tracing() or torch.compiler.is_exporting()
        return self.net(images) + (self.shift * images if tracing else 0)


class Constant(nn.Module):
    """The same logits everywhere."""

    def __init__(self, logits):
        super().__init__()
        self.register_buffer("logits", torch.tensor(logits).view(1, -1, 1, 1))

    def forward(self, images):
        return self.logits.expand(len(images), -1, -1, -1)


class OneBatch(nn.Module):
    """Knows but two slices at once."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, images):
        logits = self.net(images)
        return logits[:2] if torch.jit.is_tracing() else logits


@pytest.mark.parametrize("kind", FORMATS)
def test_the_file_says_what_the_network_says(net, slices, kind, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # neither PyTorch's advice nor an exporter's inner life reaches the user
        done = export_network(net, slices, tmp_path / "net.file", kind, ABOUT)
    assert done.agreement.holds and done.agreement.probs < 1e-5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.file", "net.file.json"]
    images = random_batch(n=5, seed=3)["src_imgs"]
    with torch.inference_mode():
        torch.testing.assert_close(FORMATS[kind].load(done.file)(images), net(images), rtol=1e-4, atol=1e-6)
    about = json.loads(done.description.read_text())
    assert about["sha256"] == sha256_file(done.file) and about["format"] == kind
    assert about["input"] == {"name": "images", "shape": ["batch", 1, 32, 32], "dtype": "float32", "range": [-1, 1]}
    assert about["output"] == {"name": "logits", "shape": ["batch", 3, 32, 32], "dtype": "float32"}
    assert about["agreement"]["batches"] == [1, 3] and about["classes"] == ABOUT["classes"]


def test_the_auxiliary_head_is_not_exported(net, slices, tmp_path):
    export_network(net, slices, tmp_path / "net.pt", "torchscript", ABOUT)
    export_network(net, slices, tmp_path / "net.onnx", "onnx", ABOUT)
    import onnx

    weights = sum(torch.tensor(list(one.dims)).prod() for one in onnx.load(tmp_path / "net.onnx").graph.initializer)
    own = sum(parameter.numel() for parameter in net.parameters())
    aux = sum(parameter.numel() for parameter in small_segmenter()["C_aux"].parameters())
    assert abs(int(weights) - own) < aux


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("shift", [0.01, float("nan")])
def test_a_network_that_disagrees_leaves_no_file(net, slices, kind, shift, tmp_path):
    with pytest.raises(ExportError, match=r"does not agree with the run's to 0.0001 \(largest difference"):
        export_network(Forgetful(net, shift).eval(), slices, tmp_path / "net.file", kind, ABOUT)
    assert list(tmp_path.iterdir()) == []


def test_a_network_of_one_batch_size_is_refused(net, slices, tmp_path):
    with pytest.raises(ExportError, match="does not agree"):
        export_network(OneBatch(net).eval(), slices, tmp_path / "net.pt", "torchscript", ABOUT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", FORMATS)
def test_a_network_that_cannot_be_exported_is_one_line(kind, slices, tmp_path):
    class Talks(nn.Module):
        def forward(self, images):
            if torch.jit.is_tracing() or torch.compiler.is_exporting():
                raise RuntimeError("no such operator\nand much more")
            return images

    with pytest.raises(ExportError) as refused:
        export_network(Talks().eval(), slices, tmp_path / "net.file", kind, ABOUT)
    assert "\n" not in str(refused.value) and f"exported as {kind}" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_files_that_exist_stay(net, slices, tmp_path):
    (tmp_path / "net.pt.json").write_text("mine")
    with pytest.raises(UserError, match=r"net.pt.json exists"):
        export_network(net, slices, tmp_path / "net.pt", "torchscript", ABOUT)
    with pytest.raises(UserError, match=r"does not exist; make it"):
        export_network(net, slices, tmp_path / "nowhere" / "net.pt", "torchscript", ABOUT)
    assert [path.name for path in tmp_path.iterdir()] == ["net.pt.json"]


def test_without_its_packages_onnx_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match=r'onnxruntime; install it with pip install "seasa-da\[export\]"'):
        find_format("onnx")
    with pytest.raises(UserError, match="formats: onnx, torchscript"):
        find_format("tflite")


def test_agreement_is_relative_in_logits_and_absolute_in_probabilities():
    slices = torch.zeros(3, 1, 1, 1)
    own, near = Constant([10.0, 0.0]), Constant([10.0, 0.1])
    found = agreement(own, near, slices)
    assert found.logits == pytest.approx(0.01)
    expected = abs(1 / (1 + torch.tensor(-10.0).exp()) - 1 / (1 + torch.tensor(-9.9).exp()))
    assert found.probs == pytest.approx(float(expected), rel=1e-2)
    assert not found.holds
