"""Third parties' readers: found after the built-in ones, and one that fails stops nothing."""

import re
import sys
import types
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from data.volumes import whole
from seasa_da import plugins
from seasa_da.config import DataSettings, PhantomSettings
from seasa_da.data.case import Case, CaseFiles
from seasa_da.data.locate import locate_store
from seasa_da.data.prepare import prepare
from seasa_da.data.readers import (
    CaseCheck,
    Fault,
    RawData,
    RawDomain,
    VolumeGrid,
    check_case,
    find_reader,
    reader_plugins,
)
from seasa_da.data.voxels import content_hash
from seasa_da.errors import UserError

SETTINGS = DataSettings(size=16, spacing_mm=2.0, depth_mm=20.0)


class NumpyReader:
    """`RAW/DOMAIN/CASE.npy`, the last case for testing; every voxel above 0 is a thing."""

    name = "numpy"
    summary = "arrays: DOMAIN/CASE.npy"
    version = 1

    def recognises(self, raw):
        return any(raw.glob("*/*.npy"))

    def scan(self, raw):
        domains = []
        for folder in sorted(raw.iterdir()):
            paths = sorted(folder.glob("*.npy"))
            splits = ["train"] * (len(paths) - 1) + ["test"]
            cases = tuple(CaseFiles(p.stem, (p,), p, split) for p, split in zip(paths, splits, strict=True))
            domains.append(RawDomain(folder.name, ("thing",), cases))
        return RawData(tuple(domains))

    def grid(self, files):
        return VolumeGrid(np.load(files.image, mmap_mode="r").shape, np.diag([2.0, 2.0, 2.0, 1.0]))

    def load(self, files):
        image = np.load(files.image).astype(np.float32)
        return Case(files.id, image[None], (image > 0).astype(np.uint8), self.grid(files).affine)


class Failing(NumpyReader):
    name = "failing"

    def recognises(self, raw):
        raise RuntimeError("what is\nthis?")


class Resolving(NumpyReader):
    def scan(self, raw):
        return super().scan(raw.resolve())


@pytest.fixture
def register(monkeypatch):
    """Registers entry points of `seasa_da.readers`: name -> what it resolves to."""

    def make(**readers):
        monkeypatch.setitem(sys.modules, "strangers", types.SimpleNamespace(**readers))
        points = [EntryPoint(name, f"strangers:{name}", "seasa_da.readers") for name in readers]
        points.append(EntryPoint("gone", "no_such_module:x", "seasa_da.readers"))
        monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == "seasa_da.readers" else [])

    return make


@pytest.fixture
def arrays(tmp_path):
    rng = np.random.default_rng(0)
    for domain in ("one", "two"):
        (tmp_path / "raw" / domain).mkdir(parents=True)
        for case in "abc":
            np.save(tmp_path / "raw" / domain / f"{case}.npy", rng.normal(size=(9, 8, 10)))
    return tmp_path / "raw"


def test_a_strangers_folder_is_prepared(register, arrays, tmp_path, monkeypatch):
    monkeypatch.setenv("SEASA_DA_CACHE", str(tmp_path / "cache"))
    register(failing=Failing(), numpy=NumpyReader())
    store = locate_store(arrays, SETTINGS, PhantomSettings(), say=str)
    assert store.domains == ("one", "two")
    assert store.domain("one").label_names == ("thing",)
    assert locate_store(arrays, SETTINGS, PhantomSettings(), say=str).path == store.path
    # files are the same, but the reader says that it now reads other cases out of them
    newer = NumpyReader()
    newer.version = 2
    register(numpy=newer)
    assert locate_store(arrays, SETTINGS, PhantomSettings(), say=str).path != store.path


@pytest.mark.parametrize("function", ["scan", "grid", "load"])
def test_a_strangers_fault_is_one_line_that_names_the_reader(register, arrays, tmp_path, monkeypatch, function):
    def fails(self, files):
        raise fault

    monkeypatch.setattr(NumpyReader, function, fails)
    register(numpy=NumpyReader())
    fault = KeyError("no\nsuch key")
    with pytest.raises(
        UserError, match=r"^.*raw.* cannot be read by reader numpy: KeyError: .*test_plugins\.py"
    ) as caught:
        prepare(arrays, tmp_path / "store", SETTINGS)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "store").exists()
    # what the reader itself says to users stays as it is
    fault = UserError("file a is torn; mend it")
    with pytest.raises(UserError, match="file a is torn; mend it"):
        prepare(arrays, tmp_path / "store", SETTINGS)


class Late(NumpyReader):
    """Opens files when voxels are asked for, and not all of them can be read."""

    def load(self, files):
        case = super().load(files)
        return replace(case, image=Torn(case.image), label=Torn(case.label))


class Torn:
    def __init__(self, voxels):
        self.shape, self.voxels = voxels.shape, voxels

    def __getitem__(self, box):
        if box[-1].stop > 3:
            raise KeyError("no such slice")
        return self.voxels[box]


def test_what_fails_when_voxels_are_asked_for_names_the_reader_too(register, arrays):
    register(numpy=Late())
    reader = find_reader(arrays)
    files = reader.scan(arrays).domains[0].cases[0]
    case = reader.load(files)
    assert case.image.shape == (1, 9, 8, 10)
    first = (slice(0, 1), slice(0, 9), slice(0, 8), slice(0, 3))
    assert np.array_equal(case.image[first], np.load(files.image).astype(np.float32)[None, :, :, :3])
    for voxels in (case.image, case.label):
        with pytest.raises(UserError, match=r"one/a\.npy cannot be read by reader numpy: KeyError: 'no such slice'"):
            whole(voxels)
    checked = check_case(reader, files)
    assert [(fault.path, fault.case) for fault in checked.faults] == [(files.image, "a"), (files.label, "a")]
    assert all(fault.what.startswith("cannot be read by reader numpy: KeyError") for fault in checked.faults)
    assert checked.content is None


def test_a_reader_without_a_check_is_checked_by_loading(register, arrays):
    register(numpy=NumpyReader())
    reader = find_reader(arrays, "numpy")
    one, two = reader.scan(arrays).domains
    checked = check_case(reader, one.cases[0])
    assert checked.faults == ()
    assert checked.content == content_hash(np.load(one.cases[0].image)[None])
    voxels = np.load(two.cases[0].image)
    voxels[0, 0, :2] = np.nan, np.inf
    np.save(two.cases[0].image, voxels)
    (fault,) = check_case(reader, two.cases[0]).faults
    assert fault.what.startswith("has 2 NaN or infinite voxels")
    two.cases[1].image.write_bytes(b"torn")
    (fault,) = check_case(reader, two.cases[1]).faults
    assert (fault.path, fault.case) == (two.cases[1].image, "b")
    assert fault.what.startswith("cannot be read by reader numpy: ")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda case: replace(case, label=case.label * 300.5),
            r"has the label values 300\.5; a label's are whole numbers up to 255",
        ),
        (lambda case: replace(case, image=case.image[0]), r"image has shape \(9, 8, 10\); it must be \(C, X, Y, Z\)"),
        (lambda case: replace(case, label=case.label[1:]), r"label has shape \(8, 8, 10\), its image \(1, 9, 8, 10\)"),
        (lambda case: replace(case, affine=np.eye(3)), r"affine has shape \(3, 3\); it must be \(4, 4\)"),
    ],
)
def test_a_case_of_another_shape_or_kind_is_said(register, arrays, monkeypatch, spoil, message):
    sound = NumpyReader.load
    monkeypatch.setattr(NumpyReader, "load", lambda self, files: spoil(sound(self, files)))
    register(numpy=NumpyReader())
    reader = find_reader(arrays)
    (fault,) = check_case(reader, reader.scan(arrays).domains[0].cases[0]).faults
    assert re.search(message, fault.what)


def test_a_readers_own_check_is_asked_and_may_fail_too(register, arrays):
    class Checking(NumpyReader):
        def check(self, files):
            if files.id == "b":
                raise ZeroDivisionError
            return CaseCheck((Fault(files.image, "is too old"), Fault(files.image, "is too small")), "abc")

    register(numpy=Checking())
    reader = find_reader(arrays)
    one, two, _ = reader.scan(arrays).domains[0].cases
    assert [fault.what for fault in check_case(reader, one).faults] == ["is too old", "is too small"]
    assert check_case(reader, one).content == "abc"
    (fault,) = check_case(reader, two).faults
    assert fault.what.startswith("cannot be read by reader numpy: ZeroDivisionError")


def test_a_reader_may_resolve_links(register, arrays, tmp_path, monkeypatch):
    monkeypatch.setenv("SEASA_DA_CACHE", str(tmp_path / "cache"))
    (tmp_path / "link").symlink_to(arrays)
    register(numpy=NumpyReader())
    literal = locate_store(tmp_path / "link", SETTINGS, PhantomSettings(), say=str)
    register(numpy=Resolving())
    assert locate_store(tmp_path / "link", SETTINGS, PhantomSettings(), say=str).path == literal.path
    monkeypatch.chdir(arrays)
    assert locate_store(Path(), SETTINGS, PhantomSettings(), say=str).path == literal.path
    # a domain that lies elsewhere
    (arrays / "two").rename(tmp_path / "two")
    (arrays / "two").symlink_to(tmp_path / "two")
    monkeypatch.setattr(Resolving, "scan", elsewhere)
    assert locate_store(tmp_path / "link", SETTINGS, PhantomSettings(), say=str).path != literal.path


def elsewhere(self, raw):
    found = NumpyReader.scan(self, raw)
    resolved = [
        replace(d, cases=tuple(replace(c, images=(c.image.resolve(),), label=c.label.resolve()) for c in d.cases))
        for d in found.domains
    ]
    return replace(found, domains=tuple(resolved))


def test_built_in_readers_are_asked_first_and_alone(register, raw, monkeypatch):
    monkeypatch.setattr(NumpyReader, "recognises", lambda self, raw: True)
    register(numpy=NumpyReader())
    monkeypatch.setattr(plugins, "entry_points", lambda group: pytest.fail("asked without need"))
    assert find_reader(raw).name == "mmwhs"


def test_an_unknown_layout_names_all_layouts_and_what_is_broken(register, tmp_path):
    register(failing=Failing(), numpy=NumpyReader())
    with pytest.raises(UserError) as caught:
        find_reader(tmp_path)
    text = str(caught.value)
    for part in ("mmwhs (MM-WHS 2017", "nnunet (nnU-Net", "numpy (arrays: DOMAIN/CASE.npy)"):
        assert part in text
    assert "reader failing is not usable: RuntimeError: what is this?" in text
    assert "reader gone is not usable: ModuleNotFoundError" in text
    assert "\n" not in text


def changed(**attributes):
    reader = NumpyReader()
    for name, value in attributes.items():
        setattr(reader, name, value)
    return reader


@pytest.mark.parametrize(
    ("name", "reader", "reason"),
    [
        ("numpy", NumpyReader, "is the class NumpyReader; register an instance"),
        ("nnunet", NumpyReader(), "a built-in reader is called so already"),
        ("auto", NumpyReader(), "a built-in reader is called so already"),
        ("other", NumpyReader(), "called 'numpy'; give it and its entry point the same name"),
        ("numpy", changed(summary="two\nlines"), "summary must be one line"),
        ("numpy", changed(version="1"), "version must be a whole number"),
        ("numpy", object(), "is no Reader"),
    ],
)
def test_what_is_no_reader_is_said_in_a_line(register, name, reader, reason):
    register(**{name: reader})
    found, broken = reader_plugins()
    assert found == {}
    reasons = {plugin.name: plugin.reason for plugin in broken}
    assert reason in reasons[name]
    assert set(reasons) == {name, "gone"}


class Wrong(NumpyReader):
    """`NumpyReader`, but for what `part` says of it."""

    name = "wrong"

    def __init__(self, part):
        self.part = part

    def scan(self, raw):
        data = super().scan(raw)
        changes = {"channels": {"channels": ("a", "b")}, "no channel": {"channels": ()}, "name": {"name": "../one"}}
        changes["names"] = {"name": "one"}
        changed = tuple(replace(domain, **changes.get(self.part, {})) for domain in data.domains)
        return replace(data, domains=changed)

    def grid(self, files):
        found = super().grid(files)
        return replace(found, affine=np.zeros((4, 4)) if self.part == "affine" else found.affine)

    def load(self, files):
        case = super().load(files)
        return replace(case, label=case.label * 2) if self.part == "label" else case


FAULTS = {
    "channels": r"has 1 channels, its domain one 2 \(a, b\)",
    "no channel": "domain one has no channel",
    "name": "cannot name its domains",
    "names": "each once",
    "affine": "leads nowhere",
    "label": "has the label 2, but one has 1 label names",
}


@pytest.mark.parametrize("part", FAULTS)
def test_what_does_not_fit_together_is_one_line(register, arrays, tmp_path, part):
    register(wrong=Wrong(part))
    with pytest.raises(UserError, match=FAULTS[part]) as caught:
        prepare(arrays, tmp_path / "out" / "store", SETTINGS)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "out").glob("*"))


class Numpys(NumpyReader):
    name = "numpys"

    def grid(self, files):
        found = super().grid(files)
        return replace(found, shape=tuple(np.array(found.shape)))


def test_numbers_of_numpy_are_numbers(register, arrays, tmp_path):
    register(numpys=Numpys())
    assert prepare(arrays, tmp_path / "store", SETTINGS).cases > 0
