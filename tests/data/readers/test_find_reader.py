"""Which reader reads a folder: the one that is named, or the one that knows the layout."""

import shutil
from types import SimpleNamespace

import pytest

from data.nnunet import write_domain
from seasa_da import plugins
from seasa_da.data.readers import READERS, find_reader
from seasa_da.data.readers.dicom import first_dicom, is_dicom
from seasa_da.errors import UserError, WrongSetting


@pytest.fixture
def nnunet(tmp_path):
    for domain in ("ct", "mr"):
        write_domain(tmp_path / "nnunet" / domain)
    return tmp_path / "nnunet"


def test_built_in_readers_in_the_order_in_which_they_are_asked():
    assert [reader.name for reader in READERS] == ["mmwhs", "nnunet", "msd", "sifa", "npy"]


def test_a_reader_is_found_by_the_folder_or_taken_by_name(raw, nnunet):
    assert find_reader(raw).name == find_reader(raw, "mmwhs").name == "mmwhs"
    assert find_reader(nnunet).name == find_reader(nnunet, "nnunet").name == "nnunet"
    assert find_reader(nnunet, "msd").name == "msd"


def test_a_named_reader_must_know_the_layout(raw, nnunet):
    with pytest.raises(UserError, match=r"raw is not laid out as reader nnunet expects: nnU-Net, a folder a domain: "):
        find_reader(raw, "nnunet")
    with pytest.raises(UserError, match="nnunet is not laid out as reader mmwhs expects: MM-WHS 2017"):
        find_reader(nnunet, "mmwhs")


@pytest.mark.parametrize(("name", "near"), [("nnUNet", "nnunet"), ("mmhws", "mmwhs"), ("xyzzy", None)])
def test_an_unknown_name_is_refused_with_the_nearest(raw, name, near, monkeypatch):
    monkeypatch.setattr(plugins, "entry_points", lambda group: [])
    meant = f"; did you mean '{near}'\\?" if near else ""
    with pytest.raises(
        WrongSetting,
        match=rf"--format {name} \(raw.format\) is no reader{meant} \(there are auto, mmwhs, nnunet, msd, sifa, npy\)",
    ):
        find_reader(raw, name)


def test_a_broken_plug_in_that_is_named_is_said_to_be_so(raw, monkeypatch):
    point = SimpleNamespace(
        name="broken", value="no_such_module:x", dist=None, load=lambda: __import__("no_such_module")
    )
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point])
    with pytest.raises(WrongSetting, match=r"--format broken .* is not usable: ModuleNotFoundError"):
        find_reader(raw, "broken")


@pytest.mark.parametrize("name", ["auto", "mmwhs"])
def test_what_is_no_folder_is_refused(tmp_path, name):
    with pytest.raises(UserError, match="nowhere does not exist"):
        find_reader(tmp_path / "nowhere", name)
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="is a file"):
        find_reader(tmp_path / "file", name)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UserError, match="loop is a link that leads nowhere"):
        find_reader(tmp_path / "loop", name)
    with pytest.raises(UserError, match="too long"):
        find_reader(tmp_path / ("x" * 300), name)


def test_folders_without_a_domain_are_refused(tmp_path):
    with pytest.raises(UserError, match="has no domain in it that a reader knows"):
        find_reader(tmp_path)


@pytest.mark.parametrize("name", ["auto", "nnunet"])
@pytest.mark.parametrize("file", ["p1/s2/I0.dcm", "p1/s2/I0.DCM", "p1/s2/I0"])
def test_dicom_is_said_with_the_advice(tmp_path, file, name):
    path = tmp_path / "raw" / file
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(128) + b"DICM" + bytes(100))
    with pytest.raises(UserError, match=rf"has DICOM files \({file}\), which are not read; .*dcm2niix") as caught:
        find_reader(tmp_path / "raw", name)
    assert "\n" not in str(caught.value)


def test_dicom_beside_a_layout_that_is_known_stops_nothing(raw):
    (raw / "dicom").mkdir()
    (raw / "dicom" / "a.dcm").write_bytes(b"")
    assert find_reader(raw).name == "mmwhs"


def test_what_is_dicom(tmp_path):
    assert first_dicom(tmp_path) is None
    (tmp_path / "a").write_bytes(bytes(128) + b"DICX")
    (tmp_path / "b").write_bytes(b"DICM")
    (tmp_path / "c").mkdir()
    (tmp_path / "gone").symlink_to("nowhere")
    assert first_dicom(tmp_path) is None
    assert not is_dicom(tmp_path / "gone")
    (tmp_path / "c" / "d").write_bytes(bytes(128) + b"DICM")
    assert first_dicom(tmp_path) == tmp_path / "c" / "d"
    assert is_dicom(tmp_path / "c" / "d")


def test_one_domain_keeps_its_message_whatever_the_name(nnunet):
    shutil.rmtree(nnunet / "mr")
    for name in ("auto", "nnunet", "msd"):
        with pytest.raises(UserError, match="ct is one domain; put it into a folder beside"):
            find_reader(nnunet / "ct", name).scan(nnunet / "ct")
