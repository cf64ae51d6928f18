"""A store that a disk or a copy has changed: lengths are noticed when it is opened, bits by `verify`."""

import json

import pytest

from seasa_da import cli
from seasa_da.data.store import SliceStore
from seasa_da.data.verify_store import stored_files, verify_store
from seasa_da.errors import UserError


def files(store):
    return [path for _, path, _ in stored_files(SliceStore.open(store))]


def test_a_whole_store_has_no_fault(own_store):
    seen = []
    assert verify_store(SliceStore.open(own_store), on_file=lambda: seen.append(1)) == ()
    assert len(seen) == len(files(own_store)) == 8


def test_one_flipped_bit_of_any_array_is_found(own_store):
    for file in files(own_store):
        content = file.read_bytes()
        for place in (len(content) - 1, len(content) // 2):
            changed = bytearray(content)
            changed[place] ^= 1
            file.write_bytes(changed)
            assert [fault.path for fault in verify_store(SliceStore.open(own_store))] == [file]
        file.write_bytes(content)


def test_every_flipped_bit_of_the_manifest_is_found(own_store):
    """It still opens where only a figure changed; its own hash tells."""
    manifest = own_store / "manifest.json"
    content = manifest.read_bytes()
    digits = [place for place, byte in enumerate(content) if chr(byte).isdigit()][::7]
    changed_meaning = 0
    for place in digits:
        changed = bytearray(content)
        changed[place] ^= 1
        manifest.write_bytes(changed)
        try:
            store = SliceStore.open(own_store)
        except UserError:
            continue
        if json.loads(changed) != json.loads(content):
            changed_meaning += 1
            assert manifest in [fault.path for fault in verify_store(store)]
    assert changed_meaning > 10
    manifest.write_bytes(content)
    assert verify_store(SliceStore.open(own_store)) == ()


def test_a_truncated_array_is_refused_when_it_is_opened(own_store):
    file = own_store / "ct" / "train_images.npy"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UserError, match="train_images"):
        SliceStore.open(own_store).images("ct", "train")
    [fault] = verify_store(SliceStore.open(own_store))
    assert (fault.path, fault.domain) == (file, "ct")


def test_a_manifest_of_an_earlier_release_has_no_hash(own_store):
    manifest = own_store / "manifest.json"
    content = json.loads(manifest.read_text())
    del content["sha256"]
    manifest.write_text(json.dumps(content))
    assert verify_store(SliceStore.open(own_store)) == ()


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command(own_store, capsys, as_json):
    def verify():
        with pytest.raises(SystemExit) as caught:
            cli.main(["data", "verify", str(own_store), *(["--json"] if as_json else [])])
        return caught.value.code, capsys.readouterr().out

    code, out = verify()
    assert code == 0
    assert json.loads(out)["faults"] == [] if as_json else "nothing wrong in 8 arrays" in out
    file = own_store / "mri" / "train_images.npy"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    (own_store / "ct" / "test_labels.npy").unlink()
    code, out = verify()
    assert code == 1
    if as_json:
        named = [fault["path"] for fault in json.loads(out)["faults"]]
        assert named == [str(own_store / "ct" / "test_labels.npy"), str(file)]
    else:
        assert f"{file} is damaged" in out and "2 faults" in out
