"""From an image to its segmentation, through slices and back."""

from itertools import permutations, product

import nibabel
import numpy as np
import pytest
import torch

from seasa_da.config import DataSettings
from seasa_da.data.case import Case
from seasa_da.data.phantom.anatomy import rotation_matrix
from seasa_da.data.voxels import slabs
from seasa_da.errors import UserError
from seasa_da.prediction import case_slices
from seasa_da.prediction.segmenter import find_device

from .standins import CT, UNLABELLED, Threshold, ball, dice, image_of, recipe, segmenter


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_voxel_exact_where_nothing_is_resampled(dtype):
    truth = ball((18, 20, 22), (2, 2, 2), 15.0)
    found = segmenter().predict(image_of(truth, dtype=dtype))
    assert found.get_data_dtype() == np.int16  # 820 is more than uint8 holds
    np.testing.assert_array_equal(np.asarray(found.dataobj), np.where(truth, 820, 0))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_any_orientation_and_oblique_anisotropic_voxels(order):
    spacing = (1.0, 1.5, 1.2)
    truth = ball((60, 42, 48), spacing, 20.0)
    turn = rotation_matrix(np.deg2rad([8, -12, 5]))
    fine = segmenter(size=64, spacing_mm=1.0)
    for signs in product((1, -1), repeat=3):
        affine = np.eye(4)
        for axis, (along, sign) in enumerate(zip(order, signs, strict=True)):
            affine[:3, axis] = turn[:, along] * sign * spacing[axis]
        found = fine.predict(image_of(truth, affine))
        np.testing.assert_array_equal(found.affine, image_of(truth, affine).affine)
        assert found.shape == truth.shape
        assert dice(np.asarray(found.dataobj) == 820, truth) > 0.97


def test_one_window_where_the_volume_is_not_larger_and_blended_ones_where_it_is():
    truth = ball((70, 6, 50), (2, 2, 2), 20.0)
    network = Threshold()
    found = segmenter(network=network, size=24, spacing_mm=2.0).predict(image_of(truth))
    assert {shape[2:] for shape in network.seen} == {(24, 24)}
    # 70 columns: windows from 0, 12, 23 (the crop), 34, 46; 50 rows: 0, 6, 13, 20, 26; 6 slices
    assert sum(shape[0] for shape in network.seen) == 6 * (5 * 5)
    np.testing.assert_array_equal(np.asarray(found.dataobj) == 820, truth)
    small = Threshold()
    segmenter(network=small, size=70, spacing_mm=2.0).predict(image_of(truth))
    assert small.seen == [(6, 1, 70, 70)]


def test_slabs_of_slices_change_nothing(monkeypatch):
    truth = ball((40, 30, 36), (1.7, 2.1, 1.4), 22.0)
    affine = np.diag([1.7, 2.1, 1.4, 1.0])
    affine[:3, :3] = rotation_matrix(np.deg2rad([5, 9, -14])) @ affine[:3, :3]
    image = image_of(truth, affine)
    whole = np.asarray(segmenter().predict(image).dataobj)
    monkeypatch.setattr(case_slices, "SLAB_BYTES", 1)
    network = Threshold()
    parts = np.asarray(segmenter(network=network).predict(image).dataobj)
    assert (parts != whole).mean() < 1e-3
    assert len(network.seen) > 20  # a slice at a time


def test_intensities_are_scaled_by_the_training_crop_alone():
    """What lies beyond the crop must not change what is measured, only be scaled by it."""
    truth = ball((20, 20, 20), (2, 2, 2), 12.0)
    voxels = 100.0 + 50.0 * truth
    own = recipe(size=16)
    channel = own.domains["mri"].channels[0].__class__("MRI", "percentiles:0,100", -1, 1)
    domains = {**own.domains, "mri": own.domains["mri"].model_copy(update={"channels": (channel,), "usual": None})}
    own = own.model_copy(update={"domains": domains})
    plain = np.asarray(segmenter(own).predict(image_of(voxels)).dataobj)
    np.testing.assert_array_equal(plain == 820, truth)
    voxels[0, :, :] = 1e6  # column outside the 16 pixels about the middle
    bright = np.asarray(segmenter(own).predict(image_of(voxels)).dataobj) == 820
    np.testing.assert_array_equal(bright[1:], truth[1:])
    assert bright[0].all()


def test_beyond_the_depth_of_the_crop_is_background():
    found = segmenter(depth_mm=12.0).predict(image_of(np.pad(np.ones((19, 20, 20)), ((1, 0), (0, 0), (0, 0)))))
    found = np.asarray(found.dataobj) == 820
    assert found[1:, 7:13].all() and not found[:, :7].any() and not found[:, 13:].any() and not found[0].any()


@pytest.mark.parametrize("across", [0, 1, 2])
def test_images_of_two_dimensions(across):
    truth = np.expand_dims(np.indices((33, 27)).sum(axis=0) < 30, across)
    found = segmenter(size=24, spacing_mm=2.0).predict(image_of(truth, np.diag([2.0, 2.0, 2.0, 1.0])))
    np.testing.assert_array_equal(np.asarray(found.dataobj) == 820, truth)


def test_several_channels():
    truth = ball((14, 16, 12), (2, 2, 2), 9.0)
    rng = np.random.default_rng(0)
    share = rng.uniform(0.2, 0.8, truth.shape)
    channels = np.stack([np.where(truth, 0.4 + share, share - 0.4), np.where(truth, 1 - share / 4, 0.0)], axis=3)
    own = recipe()
    two = {
        name: domain.model_copy(update={"channels": domain.channels * 2, "usual": None})
        for name, domain in own.domains.items()
    }
    found = segmenter(own.model_copy(update={"domains": two})).predict(image_of(channels))
    assert found.shape == truth.shape
    np.testing.assert_array_equal(np.asarray(found.dataobj) == 820, truth)
    with pytest.raises(UserError, match=r"shape \(14, 16, 12\); it must be 4D with 2 channels"):
        segmenter(own.model_copy(update={"domains": two})).predict(image_of(truth))


@pytest.mark.parametrize(("unit", "per_mm"), [("mm", 1.0), ("micron", 1e3), ("meter", 1e-3), ("unknown", 1.0)])
def test_the_header_stays_what_it_was(unit, per_mm):
    truth = ball((18, 20, 22), (2, 2, 2), 15.0)
    affine = np.diag([-2.0, 2.0, 2.0, 1.0]) * per_mm
    affine[:3, 3], affine[3, 3] = np.array([17.0, -19.0, 4.0]) * per_mm, 1.0
    image = image_of(truth, affine, unit=unit)
    image.header.set_sform(affine, code="mni")
    qform = affine.copy()
    qform[0, 3] += per_mm
    image.header.set_qform(qform, code="scanner")
    image.header["descrip"] = b"a patient's name"
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"a patient's name"))
    image.header["cal_max"] = 1.0
    image.header.set_slope_inter(2.0, -1.0)
    found = segmenter(recipe(tgt=UNLABELLED)).predict(nibabel.Nifti1Image.from_bytes(image.to_bytes()))
    np.testing.assert_array_equal(np.asarray(found.dataobj) == 7, truth)
    again = nibabel.Nifti1Image.from_bytes(found.to_bytes())
    assert again.shape == truth.shape and again.get_data_dtype() == np.uint8
    for header in (found.header, again.header):
        assert header.get_xyzt_units()[0] == unit
        assert header.get_zooms() == image.header.get_zooms()
        assert (header["sform_code"], header["qform_code"]) == (4, 1)
        np.testing.assert_array_equal(header.get_sform(), image.header.get_sform())
        np.testing.assert_array_equal(header.get_qform(), image.header.get_qform())
        assert header["descrip"].item() == b"" and header["cal_max"] == 0 and not header.extensions
    np.testing.assert_array_equal(np.unique(again.dataobj), [0, 7])


def test_nifti_2_stays_nifti_2():
    image = nibabel.Nifti2Image(ball((18, 20, 22), (2, 2, 2), 15.0).astype(np.float32), np.diag([2.0, 2, 2, 1]))
    found = segmenter().predict(image)
    assert isinstance(found, nibabel.Nifti2Image) and isinstance(found.header, nibabel.Nifti2Header)


@pytest.mark.parametrize(
    ("target", "domain", "value"),
    [(None, None, 820), (None, "mri", 820), (None, "ct", 7), (UNLABELLED, None, 7), (UNLABELLED, "mri", 7)],
)
def test_labels_have_the_values_of_the_domains_own_files(target, domain, value):
    own = recipe() if target is None else recipe(tgt=target)
    truth = ball((18, 20, 22), (2, 2, 2), 15.0)
    found = segmenter(own, domain=domain).predict(image_of(truth))
    assert found.get_data_dtype() == (np.uint8 if value < 256 else np.int16)
    np.testing.assert_array_equal(np.asarray(found.dataobj), np.where(truth, value, 0))


def test_a_volume_of_another_modality_is_warned_of():
    hounsfield = np.where(ball((18, 20, 22), (2, 2, 2), 15.0), 60.0, -1000.0)
    with pytest.warns(UserWarning, match=r"MRI: intensities .* far outside .* another modality"):
        segmenter().predict(image_of(hounsfield + 999.5))
    with pytest.warns(UserWarning, match="CT: .* are not Hounsfield units"):
        segmenter(domain="ct").predict(
            image_of(np.full((18, 20, 22), 900) * ball((18, 20, 22), (2, 2, 2), 30.0), dtype=np.int16)
        )


def without_affine():
    header = image_of(np.zeros((4, 4, 4))).header.copy()
    header["srow_x"] = 0
    header["sform_code"] = 2
    return nibabel.Nifti1Image(np.ones((4, 4, 4), dtype=np.float32), header.get_best_affine(), header)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (image_of(np.zeros((4, 4, 4))), "all on one side of the window|same value"),
        (image_of(np.zeros((4, 4, 4, 2))), r"shape \(4, 4, 4, 2\); it must be 3D"),
        (image_of(np.full((4, 4, 4), np.nan)), "NaN or infinite"),
        (without_affine(), "no usable affine"),
        (np.zeros((4, 4, 4)), "is ndarray; give a nibabel"),
        (image_of(np.full((4, 4, 4), 1e300), dtype=np.float64), "NaN or infinite"),
        (image_of(np.ones((4, 4, 4)), dtype=np.complex64), "holds complex64 voxels"),
        (image_of(np.zeros((4, 4, 4)), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")]), r"holds \[\('R'.* voxels"),
    ],
)
def test_what_cannot_be_segmented_is_one_line(image, message):
    with pytest.raises(UserError, match=message):
        segmenter().predict(image)


def test_millimetres_that_call_themselves_metres_are_one_line():
    voxels = np.random.default_rng(0).uniform(size=(60, 4, 60))
    image = image_of(voxels, np.diag([2e3, 2e3, 2e3, 1.0]), unit="meter")
    with pytest.raises(UserError, match=r"slices of 60000000 x 60000000 pixels of 2 mm, more than fit into memory"):
        segmenter(recipe(tgt=UNLABELLED)).predict(image)


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_an_image_whose_file_is_cut_is_one_line(ending, tmp_path):
    path = tmp_path / f"a.{ending}"
    nibabel.save(image_of(np.random.default_rng(0).uniform(size=(18, 20, 22))), path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(UserError, match=r"the image cannot be read \(.*\); fetch") as found:
        segmenter().predict(nibabel.load(path))
    assert "\n" not in str(found.value)


def test_voxels_of_nanometres_are_an_affine():
    truth = ball((18, 20, 22), (2, 2, 2), 15.0)
    found = segmenter(spacing_mm=8e-6).predict(image_of(truth, np.diag([8e-3, 8e-3, 8e-3, 1.0]), unit="micron"))
    np.testing.assert_array_equal(np.asarray(found.dataobj) == 820, truth)


def test_the_label_of_a_case_is_not_looked_at():
    class Closed:
        shape = (18, 20, 22)

        def __getitem__(self, box):
            raise AssertionError("a label was read")

    truth = ball((18, 20, 22), (2, 2, 2), 15.0)
    case = Case("1", truth[None].astype(np.float32), Closed(), np.diag([2.0, 2.0, 2.0, 1.0]))
    blocks = list(segmenter().blocks(case))
    assert [block.box for block in blocks] == list(slabs(truth.shape, 8))
    np.testing.assert_array_equal(blocks[0].labels, truth)
    np.testing.assert_allclose(blocks[0].probs.sum(axis=0), 1, atol=1e-3)
    assert blocks[0].reliable is None


def test_reliability_without_a_run_is_refused():
    case = Case("1", np.ones((1, 4, 4, 4), dtype=np.float32), None, np.eye(4))
    with pytest.raises(UserError, match="no source slices"):
        next(segmenter().blocks(case, reliability=True))


def test_its_identity_follows_the_network_the_recipe_and_the_domain():
    first = segmenter().identity
    assert segmenter().identity == first and len(first) == 64
    others = [
        segmenter(network=Threshold(7.0)),
        segmenter(domain="ct"),
        segmenter(size=32),
        segmenter(recipe(src=CT, tgt=UNLABELLED)),
    ]
    assert len({first, *(one.identity for one in others)}) == 5


@pytest.mark.parametrize("name", ["cuda:77", "warp drive", "meta"])
def test_a_device_that_is_not_there_is_one_line(name):
    with pytest.raises(UserError, match=f"device '{name}' "):
        find_device(name)


def test_devices():
    assert find_device("cpu") == torch.device("cpu")
    assert find_device(None).type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_the_settings_are_those_of_the_store():
    assert recipe().data == DataSettings(size=24, spacing_mm=2.0, depth_mm=1000.0)
