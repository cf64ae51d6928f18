import errno
import hashlib
import json
from pathlib import Path

import pytest

from seasa_da import files
from seasa_da.errors import UserError
from seasa_da.files import (
    atomic_file,
    atomic_folder,
    cache_dir,
    damage_named,
    held_alone,
    is_plain_name,
    os_errors_named,
    read_json,
    refuse_busy_folder,
    sha256_file,
    sweep_partials,
    write_json_atomic,
    write_text_atomic,
)


def test_a_folder_appears_when_it_is_complete(tmp_path):
    target = tmp_path / "deep" / "store"
    with atomic_folder(target) as folder:
        (folder / "a.txt").write_text("a")
        assert not target.exists()
        assert folder.parent == target.parent
        assert folder.name.startswith(".")
    assert (target / "a.txt").read_text() == "a"
    assert [path.name for path in target.parent.iterdir()] == ["store"]


@pytest.mark.parametrize("fault", [RuntimeError("no"), KeyboardInterrupt()])
def test_a_folder_that_was_not_completed_leaves_nothing(tmp_path, fault):
    with pytest.raises(type(fault)), atomic_folder(tmp_path / "store") as folder:
        (folder / "a.txt").write_text("a")
        raise fault
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_may_be_replaced_and_a_full_one_not(tmp_path):
    (tmp_path / "empty").mkdir()
    with atomic_folder(tmp_path / "empty") as folder:
        (folder / "a.txt").touch()
    assert (tmp_path / "empty" / "a.txt").is_file()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    with pytest.raises(UserError, match=str(tmp_path / "full")), atomic_folder(tmp_path / "full") as folder:
        (folder / "a.txt").touch()
    assert {path.name for path in tmp_path.rglob("*")} == {"empty", "a.txt", "full", "mine"}


def test_a_full_disk_is_named(tmp_path):
    with pytest.raises(UserError, match="No space left") as caught, atomic_folder(tmp_path / "store"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(tmp_path / "store") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_other_errors_pass():
    with pytest.raises(UserError, match=r"^cannot read x: Is a directory"), os_errors_named(Path("x"), "read"):
        raise IsADirectoryError(errno.EISDIR, "Is a directory")
    with pytest.raises(ValueError, match="mine"), os_errors_named(Path("x"), "read"):
        raise ValueError("mine")


def test_text_replaces_the_old_at_once(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_text_atomic(path, "old")
    write_text_atomic(path, "né\n")
    assert path.read_bytes() == "né\n".encode()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UserError, match=str(path)):
        write_text_atomic(path, "newer")
    assert path.read_text(encoding="utf-8") == "né\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match=r"a\.txt: No such file"):
        write_text_atomic(tmp_path / "nothing" / "a.txt", "")


def test_json_round_trip(tmp_path):
    content = {"name": "é", "values": [1, 2.5, None, True], "nested": {"a": []}}
    write_json_atomic(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json") == content
    assert json.loads((tmp_path / "a.json").read_text()) == content


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_no_json_are_refused_and_the_old_stays(tmp_path, value):
    path = tmp_path / "a.json"
    write_json_atomic(path, {"dice": 1.0})
    with pytest.raises(ValueError, match="JSON"):
        write_json_atomic(path, {"dice": value})
    assert read_json(path) == {"dice": 1.0}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "does not exist"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"9" * 5000, r"not valid JSON \(.*5000 digits"),
        (b"[" * 200_000, r"not valid JSON \(.*recursion"),
    ],
)
def test_json_that_cannot_be_read_is_named(tmp_path, content, reason):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=reason) as caught:
        read_json(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_json(tmp_path):
    with pytest.raises(UserError, match="cannot read"):
        read_json(tmp_path)


def test_sha256(tmp_path):
    (tmp_path / "empty").touch()
    assert sha256_file(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    content = bytes(range(256)) * 8193  # more than one block, and a rest
    (tmp_path / "large").write_bytes(content)
    assert sha256_file(tmp_path / "large") == hashlib.sha256(content).hexdigest()


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("SEASA_DA_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert cache_dir() == tmp_path / "own"
    monkeypatch.delenv("SEASA_DA_CACHE")
    assert cache_dir() == tmp_path / "xdg" / "seasa-da"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_dir() == tmp_path / "home" / ".cache" / "seasa-da"


STALE = ".store.0123abcd.partial"


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_writes_is_not(tmp_path):
    (tmp_path / STALE / "deep").mkdir(parents=True)
    (tmp_path / ".note.txt.0123abcd.partial").write_text("half")
    (tmp_path / ".other.partial").write_text("not ours")
    with atomic_folder(tmp_path / "store") as folder, atomic_file(tmp_path / "table.csv") as file:
        assert not (tmp_path / STALE).exists()
        sweep_partials(tmp_path)
        assert folder.is_dir() and {path.name for path in tmp_path.iterdir()} >= {folder.name, ".other.partial"}
        assert not (tmp_path / ".note.txt.0123abcd.partial").exists()
        file.write(b"whole")
    assert {path.name for path in tmp_path.iterdir()} == {"store", "table.csv", ".other.partial"}
    sweep_partials(tmp_path / "nothing")


def test_a_sweep_of_one_name_leaves_the_others(tmp_path):
    for name in (STALE, ".store2.0123abcd.partial"):
        (tmp_path / name).mkdir()
    sweep_partials(tmp_path, "store")
    assert [path.name for path in tmp_path.iterdir()] == [".store2.0123abcd.partial"]


def test_a_sweep_follows_no_link(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / STALE).symlink_to(tmp_path / "precious")
    sweep_partials(tmp_path)
    assert (tmp_path / "precious").is_dir()


def test_a_folder_in_the_making_is_busy(tmp_path):
    (tmp_path / STALE).mkdir()
    refuse_busy_folder(tmp_path / "store")
    with (
        atomic_folder(tmp_path / "store"),
        pytest.raises(UserError, match="another process is making"),
    ):
        refuse_busy_folder(tmp_path / "store")


def test_a_folder_is_held_by_one(tmp_path):
    with held_alone(tmp_path, "wait for it"):
        with (
            pytest.raises(UserError, match=r"another process is writing to .*; wait for it"),
            held_alone(tmp_path, "wait for it"),
        ):
            pytest.fail("two hold it")
        assert (tmp_path / ".lock").exists()
    assert list(tmp_path.iterdir()) == []
    with held_alone(tmp_path, ""):
        pass


def test_a_file_system_without_locks_keeps_nobody_out_and_sweeps_nothing(tmp_path, monkeypatch):
    def no_locks(*args):
        raise OSError(errno.ENOTSUP, "no locks here")

    monkeypatch.setattr(files.fcntl, "flock", no_locks)
    (tmp_path / STALE).mkdir()
    with held_alone(tmp_path, ""), held_alone(tmp_path, ""), atomic_folder(tmp_path / "store") as folder:
        assert folder.is_dir()
    assert (tmp_path / "store").is_dir() and (tmp_path / STALE).is_dir()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", "a\0", "a\nb", "\x1b[0m", 3, None])
def test_names_that_lead_elsewhere(name):
    assert not is_plain_name(name)


def test_plain_names():
    assert all(map(is_plain_name, ("1003", "ct_train 1", "…", "<script>", "a\\b", "..a")))


def test_damage_is_named_and_a_mistake_is_left_alone(tmp_path):
    with (
        pytest.raises(UserError, match=r"a file in .* is damaged, or of another release \(KeyError: 'dice'\)"),
        damage_named(tmp_path),
    ):
        {}["dice"]
    with pytest.raises(UserError, match=r"^mine$"), damage_named(tmp_path):
        raise UserError("mine")
