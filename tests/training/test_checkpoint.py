import errno
import json
import resource
from contextlib import contextmanager

import pytest
import torch
from torch import nn

from seasa_da.errors import DamagedCheckpoint, UserError
from seasa_da.layers import PrototypeBank
from seasa_da.training import checkpoint
from seasa_da.training.checkpoint import Position


def make(seed=0, width=3):
    """Modules and optimisers that have done two steps; SGD's momentum has not started for one parameter."""
    torch.manual_seed(seed)
    modules = {
        "G": nn.Sequential(nn.Conv2d(1, width, 3), nn.BatchNorm2d(width)),
        "D": nn.Linear(2, 1),
        "D_aux": nn.Linear(2, 1),
        "src_prototypes": PrototypeBank(2, 4),
    }
    modules["src_prototypes"].update(torch.randn(2, 4), torch.tensor([1.0, 0.0]))
    optimizers = {
        "G": torch.optim.SGD([*modules["G"].parameters(), nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9),
        "D": torch.optim.Adam([*modules["D"].parameters(), *modules["D_aux"].parameters()], betas=(0.9, 0.99)),
    }
    for _ in range(2):
        advance(modules, optimizers)
    return modules, optimizers


def advance(modules, optimizers):
    loss = modules["G"](torch.ones(2, 1, 4, 4).cumsum(dim=3)).square().mean()
    loss = loss + modules["D"](torch.ones(1, 2)).square().sum() + modules["D_aux"](torch.ones(1, 2)).square().sum()
    loss.backward()
    for optimizer in optimizers.values():
        optimizer.step()
        optimizer.zero_grad()


def values(modules):
    return {f"{name}.{key}": v.clone() for name, m in modules.items() for key, v in m.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(one[key].equal(other[key]) for key in one)


def save(parent, iteration=2, stage=0, keep=9, made=None, **about):
    modules, optimizers = made or make()
    return checkpoint.save(parent, Position(stage, "adapt", iteration), modules, optimizers, about=about, keep=keep)


def test_round_trip(tmp_path):
    modules, optimizers = make()
    path = save(tmp_path, made=(modules, optimizers), settings={"lr": 0.1})
    loaded = checkpoint.load(path)
    assert loaded.position == Position(0, "adapt", 2)
    assert loaded.state["settings"] == {"lr": 0.1}
    fresh, fresh_optimizers = make(seed=1)
    assert not same(values(modules), values(fresh))
    loaded.restore_modules(fresh)
    loaded.restore_optimizers(fresh_optimizers)
    assert same(values(modules), values(fresh))
    assert fresh["src_prototypes"].seen.tolist() == [True, False]
    advance(modules, optimizers)
    advance(fresh, fresh_optimizers)
    assert same(values(modules), values(fresh))
    # What is saved next is the same too, groups included.
    again = [
        save(tmp_path / name, made=made)
        for name, made in (("a", (modules, optimizers)), ("b", (fresh, fresh_optimizers)))
    ]
    assert (again[0] / "optimizers.safetensors").read_bytes() == (again[1] / "optimizers.safetensors").read_bytes()
    assert json.loads((again[0] / "state.json").read_text()) == json.loads((again[1] / "state.json").read_text())


def test_momentum_that_has_not_started_is_restored_as_such(tmp_path):
    parameter = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.9)
    modules = {"G": nn.Linear(1, 1)}
    path = checkpoint.save(tmp_path, Position(0, "a", 0), modules, {"G": optimizer}, about={}, keep=1)
    checkpoint.load(path).restore_optimizers({"G": optimizer})
    parameter.grad = torch.ones(2)
    optimizer.step()
    assert parameter.tolist() == pytest.approx([0.9, 0.9])


def test_nothing_is_pickled(tmp_path):
    path = save(tmp_path)
    assert {file.name for file in path.iterdir()} == {"modules.safetensors", "optimizers.safetensors", "state.json"}
    for file in path.glob("*.safetensors"):
        content = file.read_bytes()  # the length of a JSON header, the header, then numbers
        end = 8 + int.from_bytes(content[:8], "little")
        ends = [entry["data_offsets"][1] for entry in json.loads(content[8:end]).values()]
        assert max(ends) == len(content) - end
    state = json.loads((path / "state.json").read_text())
    assert state["format"] == "seasa-da checkpoint"
    assert {key: state[key] for key in ("stage", "stage_name", "iteration")} == {
        "stage": 0,
        "stage_name": "adapt",
        "iteration": 2,
    }


def test_only_the_newest_are_kept(tmp_path):
    for stage, iteration in ((0, 4), (0, 8), (0, 10000), (1, 4), (1, 8)):
        save(tmp_path, iteration, stage, keep=3)
    names = [path.name for path in checkpoint.list_checkpoints(tmp_path)]
    assert names == ["000-adapt-00010000", "001-adapt-00000004", "001-adapt-00000008"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_saving_the_same_place_again_replaces_it(tmp_path):
    save(tmp_path, note="first")
    path = save(tmp_path, note="second")
    assert [checkpoint.load(path).state["note"]] == ["second"]
    assert checkpoint.list_checkpoints(tmp_path) == [path]


def test_half_written_folders_are_no_checkpoints(tmp_path):
    path = save(tmp_path)
    (tmp_path / ".000-adapt-00000004.1a2b3c4d.partial").mkdir()
    (tmp_path / "note.txt").touch()
    assert checkpoint.list_checkpoints(tmp_path) == [path]
    assert checkpoint.list_checkpoints(tmp_path / "nothing") == []


@pytest.mark.parametrize("name", ["modules.safetensors", "optimizers.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "missing", "empty"])
def test_damage_is_found_and_the_file_named(tmp_path, name, damage):
    path = save(tmp_path)
    file = path / name
    content = bytearray(file.read_bytes())
    if damage == "missing":
        file.unlink()
    elif damage == "flipped":
        # The last number of a tensor, where only a hash can tell; a letter in the middle of the state.
        content[-1 if name.endswith(".safetensors") else len(content) // 2] ^= 0x80
        file.write_bytes(content)
    else:
        file.write_bytes(content[: len(content) // 2 if damage == "cut" else 0])
    with pytest.raises(UserError) as caught:
        checkpoint.load(path)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_digit_of_the_state_is_missed_too(tmp_path):
    path = save(tmp_path)
    file = path / "state.json"
    text = file.read_text()
    assert '"iteration": 2' in text
    file.write_text(text.replace('"iteration": 2', '"iteration": 3'))
    with pytest.raises(DamagedCheckpoint, match=r"state\.json is damaged"):
        checkpoint.load(path)
    state = json.loads(text)
    del state["seal"]  # as earlier releases wrote it
    file.write_text(json.dumps(state))
    assert checkpoint.load(path).position.iteration == 2


@pytest.mark.parametrize("state", [[], {}, {"format": "another"}, {"format": "seasa-da checkpoint", "version": 99}])
def test_foreign_folders_are_refused(tmp_path, state):
    path = save(tmp_path)
    (path / "state.json").write_text(json.dumps(state))
    with pytest.raises(UserError, match=str(path)):
        checkpoint.load(path)


def test_a_state_without_its_parts_is_refused(tmp_path):
    path = save(tmp_path)
    state = json.loads((path / "state.json").read_text())
    for key in ("sha256", "optimizers", "stage", "iteration"):
        (path / "state.json").write_text(json.dumps({k: v for k, v in state.items() if k != key}))
        with pytest.raises(UserError, match=str(path)):
            checkpoint.load(path)


def test_what_does_not_fit_is_named(tmp_path):
    loaded = checkpoint.load(save(tmp_path))
    modules, optimizers = make(width=5)
    with pytest.raises(UserError, match=r"does not fit this run's G") as caught:
        loaded.restore_modules(modules)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="does not fit this run's target_prototypes"):
        loaded.restore_modules({"target_prototypes": PrototypeBank(2, 4)})
    with pytest.raises(UserError, match="no optimiser 'C'"):
        loaded.restore_optimizers({"C": optimizers["G"]})
    with pytest.raises(UserError, match="does not fit this run's optimiser D"):
        loaded.restore_optimizers({"D": torch.optim.Adam(modules["D"].parameters())})


@contextmanager
def files_no_larger_than(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [0, 300])
def test_a_full_disk_leaves_the_older_checkpoint(tmp_path, size):
    older = save(tmp_path, 2, keep=1)
    with pytest.raises(UserError, match="cannot write") as caught, files_no_larger_than(size):
        save(tmp_path, 4, keep=1)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [older]
    checkpoint.load(older)


def test_a_disk_that_fills_with_the_last_file_leaves_the_older_checkpoint(tmp_path, monkeypatch):
    older = save(tmp_path, 2, keep=1)

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "write_json_atomic", full)
    with pytest.raises(UserError, match="No space left on device"):
        save(tmp_path, 4, keep=1)
    assert list(tmp_path.iterdir()) == [older]


def test_a_full_disk_does_not_cost_the_checkpoint_that_was_to_be_replaced(tmp_path):
    older = save(tmp_path, 2, keep=1, note="first")
    with pytest.raises(UserError), files_no_larger_than(0):
        save(tmp_path, 2, keep=1, note="second")
    assert checkpoint.load(older).state["note"] == "first"
