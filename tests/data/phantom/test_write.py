"""The phantom's files: names, reproducibility, what is in them."""

import json
import subprocess
import sys

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from seasa_da.config import PhantomSettings
from seasa_da.data.phantom import make_phantom
from seasa_da.data.phantom.anatomy import MMWHS_LABELS
from seasa_da.data.phantom.write import make_scan
from seasa_da.errors import UserError

COARSE = PhantomSettings(train_cases=1, test_cases=1, voxel_mm=8.0)


def test_files_have_mmwhs_names_and_domains_share_no_patient(phantom_folder):
    names = {path.name for path in phantom_folder.glob("*/*")}
    ids = {"ct": ("1001", "1002", "1003"), "mr": ("1004", "1005", "1006")}
    assert names == {f"{p}_train_{i}_{kind}.nii.gz" for p in ids for i in ids[p] for kind in ("image", "label")}
    assert json.loads((phantom_folder / "splits.json").read_text()) == {
        "ct": {"test": ["1003"]},
        "mri": {"test": ["1006"]},
    }
    assert json.loads((phantom_folder / "phantom.json").read_text())["settings"]["voxel_mm"] == 7.0


def test_every_case_has_every_structure_and_int16_voxels(phantom_folder):
    for path in phantom_folder.glob("*/*_label.nii.gz"):
        label = nibabel.load(path)
        image = nibabel.load(str(path).replace("_label", "_image"))
        assert set(np.unique(label.dataobj)) == {0, *MMWHS_LABELS.values()}
        assert image.get_data_dtype() == label.get_data_dtype() == np.int16
        assert image.shape == label.shape
        assert np.array_equal(image.affine, label.affine)


@pytest.mark.parametrize("modality", [0, 1])
def test_same_seed_same_voxels_other_seed_other_voxels(modality):
    first, again = (make_scan(COARSE, modality, 0) for _ in range(2))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.label, again.label)
    assert np.array_equal(first.affine, again.affine)
    for changed in ({"seed": 1}, {"development": True}):
        other = make_scan(COARSE.model_copy(update=changed), modality, 0)
        assert other.image.shape != first.image.shape or not np.array_equal(other.image, first.image)


def test_a_case_does_not_depend_on_how_many_are_made_or_by_how_many_workers(tmp_path):
    make_phantom(tmp_path / "few", COARSE, workers=1)
    make_phantom(tmp_path / "more", COARSE.model_copy(update={"train_cases": 2}), workers=3)
    for few, more in (("ct_train/ct_train_1002", "ct_train/ct_train_1002"), ("mr_train/mr_train_1003",) * 2):
        # MR ids go on after CT's: the first MR case is 1003 of 2 + 2 cases, 1004 of 3 + 3
        more = more.replace("1003", "1004")
        for kind in ("image", "label"):
            a = nibabel.load(tmp_path / "few" / f"{few}_{kind}.nii.gz")
            b = nibabel.load(tmp_path / "more" / f"{more}_{kind}.nii.gz")
            assert np.array_equal(a.dataobj, b.dataobj)
            assert np.array_equal(a.affine, b.affine)


def test_same_settings_same_files(tmp_path):
    for name in ("a", "b"):
        make_phantom(tmp_path / name, COARSE)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert len(files) == 10
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)


@pytest.mark.parametrize(
    ("value", "mean_hu"), [(500, 350), (420, 350), (820, 350), (600, 200), (550, 200), (850, 200), (205, 110)]
)
def test_ct_is_in_hounsfield_units(value, mean_hu):
    scan = make_scan(PhantomSettings(voxel_mm=3.0), 0, 0)
    inner = ndimage.binary_erosion(scan.label == value)
    assert scan.image[inner].mean() == pytest.approx(mean_hu, abs=45)


def test_mri_has_bright_blood_and_dark_myocardium():
    scan = make_scan(PhantomSettings(voxel_mm=3.0), 1, 0)
    means = {v: scan.image[ndimage.binary_erosion(scan.label == v)].mean() for v in MMWHS_LABELS.values()}
    assert all(means[205] < 0.6 * means[blood] for blood in means if blood != 205)
    # right and left blood differ little, unlike in CT
    assert means[600] == pytest.approx(means[500], rel=0.35)


def test_field_of_view_and_affines():
    orientations = []
    for modality in (0, 1):
        scans = [make_scan(COARSE, modality, index) for index in range(3)]
        for scan in scans:
            sizes = np.linalg.norm(scan.affine[:3, :3], axis=0)
            assert sizes.max() / sizes.min() > 1.2  # anisotropic
            assert np.prod(sizes) ** (1 / 3) == pytest.approx(COARSE.voxel_mm, rel=0.06)
            turned = scan.affine[:3, :3] / sizes
            assert 0 < np.degrees(np.arccos(np.abs(turned).max(axis=0))).max() < 15.5
            extent = dict(zip(np.abs(turned).argmax(axis=0), np.array(scan.label.shape) * sizes, strict=True))
            assert 195 < extent[0] < 245
            assert 145 < extent[1] < 185
            assert 175 < extent[2] < 215
            heart = scan.affine[:3, :3] @ np.argwhere(scan.label > 0).mean(axis=0) + scan.affine[:3, 3]
            centre = scan.affine[:3, :3] @ ((np.array(scan.label.shape) - 1) / 2) + scan.affine[:3, 3]
            assert np.linalg.norm(heart - centre) < 30
        assert len({scan.label.shape for scan in scans}) > 1
        orientations.append(nibabel.aff2axcodes(scans[0].affine))
    assert orientations == [("L", "P", "S"), ("P", "I", "R")]


def test_the_apex_points_left_front_and_down():
    for modality in (0, 1):
        scan = make_scan(PhantomSettings(voxel_mm=4.0), modality, 1)

        def centre(value, scan=scan):
            return scan.affine[:3, :3] @ np.argwhere(scan.label == value).mean(axis=0)

        apex = centre(500) - centre(420)  # from the left atrium to the left ventricle
        assert apex[0] < 0 < apex[1]
        assert apex[2] < 0
        assert centre(550)[0] > centre(500)[0]  # right atrium to the right
        assert centre(820)[2] > centre(500)[2]  # aorta above


def test_an_occupied_or_unwritable_folder_is_refused(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="full"):
        make_phantom(tmp_path / "full", COARSE.model_copy(update={"voxel_mm": 20.0}))
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "mine.txt"]
    with pytest.raises(UserError, match=r"mine\.txt"):
        make_phantom(tmp_path / "full" / "mine.txt" / "phantom", COARSE)


def test_making_the_phantom_imports_no_torch():
    script = (
        "import sys, seasa_da.data.phantom, seasa_da.data.prepare, seasa_da.data.locate; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
