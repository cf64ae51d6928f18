"""Figures of folders made by hand, whose data are gone; those of real runs are in tests/integration."""

import json

import matplotlib.image
import numpy as np
import pytest

from inspection.runs import write_run
from seasa_da.errors import UserError
from seasa_da.inspection.figures.make import FIGURES, make_figures
from seasa_da.inspection.figures.material import Options

VALIDATION = {
    "by": "entropy",
    "selected": "000-adapt-00000004",
    "slices": 8,
    "source_split": "test",
    "candidates": [
        {
            "name": f"000-adapt-0000000{iteration}",
            "stage": 0,
            "stage_name": "adapt",
            "iteration": iteration,
            "updates": iteration,
            "scores": {"source-dice": None, "entropy": -1.0 / iteration, "snd": score},
        }
        for iteration, score in ((4, 3.5), (8, None))
    ],
}
REGION = {"accuracy_reliable": 0.9, "accuracy_unreliable": None}
RELIABILITY = {
    "candidates": [
        {
            "name": "a",
            "updates": update,
            "all": REGION,
            "foreground": REGION,
            "structures": {"AA": REGION, "MYO": REGION},
        }
        for update in (4, 8)
    ]
}
BINS = {
    "voxels": 10,
    "ece": 0.25,
    "bins": [{"count": 0, "confidence": None, "accuracy": None}, {"count": 10, "confidence": 0.75, "accuracy": 0.5}],
}
CALIBRATION = {
    "foreground": BINS,
    "structures": {"AA": BINS, "MYO": BINS},
    "confident_errors": {"of_errors": 0.5, "of_confident": 0.1},
}


@pytest.fixture
def drawn(monkeypatch):
    """The sheets by name as they were saved."""
    from seasa_da.reporting.figures.sheet import Sheet

    kept, save = {}, Sheet.save
    monkeypatch.setattr(
        Sheet, "save", lambda self, folder, name: (kept.update({name: self}), save(self, folder, name))[1]
    )
    return kept


def full(folder, **options):
    run = write_run(folder, **options)
    for name, content in (
        ("validation", VALIDATION),
        ("reliability", RELIABILITY),
        ("calibration", CALIBRATION),
    ):
        (run / f"{name}.json").write_text(json.dumps(content))
    return run


def texts(sheet):
    from matplotlib.text import Text

    return [text.get_text() for text in sheet.figure.findobj(Text)]


def test_without_its_data_a_run_has_what_its_files_give(tmp_path, drawn):
    run = full(tmp_path / "run")
    before = sorted(run.rglob("*"))
    made = make_figures([run], tmp_path / "out")
    names = ["methods", "curves", "structures", "calibration"]
    assert [file.name for file in made.files] == [f"{name}.{kind}" for name in names for kind in ("png", "pdf")]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(file.name for file in made.files)
    for file in made.files:
        assert file.stat().st_size > 1000
        if file.suffix == ".png":
            pixels = matplotlib.image.imread(file)[..., :3]
            sheet = drawn[file.stem]
            assert pixels.shape[:2] == pytest.approx((300 * sheet.height, 300 * sheet.width), abs=1)
            assert len(np.unique(pixels[..., 0])) > 3
        else:
            assert file.read_bytes().startswith(b"%PDF")
    missing = f"the data are not at {run / 'gone'} any more"
    assert made.notes == (
        f"not made: uncertainty, reliability, embedding ({missing})",
        f"methods: the predictions alone, without image and truth ({missing})",
    )
    assert sorted(run.rglob("*")) == before


def test_what_the_files_say_is_drawn(tmp_path, drawn):
    make_figures([full(tmp_path / "run")], tmp_path / "out", options=Options(cases=1))
    titles = [axes.get_title(loc="left") for axes in drawn["curves"].figure.axes]
    # a validator without a score has no chart; nor has a kind of pixels without any
    assert titles == ["seg ce", "entropy", "snd", "all pixels", "all structures", "AA", "MYO"]
    loss = drawn["curves"].figure.axes[0].lines[0]
    assert (list(loss.get_xdata()), list(loss.get_ydata())) == ([4, 8], [1, 1])
    assert "the run's result, chosen by: entropy" in texts(drawn["curves"])
    assert list(drawn["curves"].figure.axes[3].lines[0].get_ydata()) == [90, 90]
    (diagram,) = drawn["calibration"].figure.axes
    assert diagram.get_title(loc="left") == "ours\nECE 25.0 %\nconfident errors 50 %"
    assert (list(diagram.lines[-1].get_xdata()), list(diagram.lines[-1].get_ydata())) == ([75], [50])
    assert len(drawn["methods"].figure.axes) == 1
    assert "1001\nslice 0" in texts(drawn["methods"]) and "1002\nslice 0" not in texts(drawn["methods"])


def test_stages_follow_one_another(tmp_path, drawn):
    run = write_run(tmp_path / "run")
    lines = [
        {"stage": stage, "stage_name": "round", "iteration": iteration, "losses": {"a_loss": 1.0, "b_loss": None}}
        for stage in (0, 1)
        for iteration in (5, 10)
    ]
    (run / "log.jsonl").write_text("\n".join(map(json.dumps, lines)) + '\n{"cut off')
    make_figures([run], tmp_path / "out", only=["curves"])
    (axes,) = drawn["curves"].figure.axes
    assert [list(line.get_xdata()) for line in axes.lines] == [[5, 10], [15, 20]]
    assert {"1 round", "2 round"} <= set(texts(drawn["curves"]))


def test_older_runs_and_those_without_labels(tmp_path, drawn):
    run = write_run(tmp_path / "run", labelled=False)
    made = make_figures([run], tmp_path / "out")
    assert [file.name for file in made.files if file.suffix == ".png"] == ["methods.png", "curves.png"]
    assert "not made: structures (the target has no test labels: nothing is scored)" in made.notes
    assert any(note.startswith("not made: calibration (no run has a calibration.json") for note in made.notes)


def test_only_case_slice_and_palette(tmp_path, drawn):
    runs = [write_run(tmp_path / name, method=name) for name in ("ours", "cycada")]
    options = Options(palette="safe", case=("1002",), slice_index=4)
    made = make_figures(runs, tmp_path / "out", only=["methods", "methods"], options=options)
    assert [file.name for file in made.files] == ["methods.png", "methods.pdf"]
    assert "1002\nslice 4" in texts(drawn["methods"]) and {"ours", "cycada"} <= set(texts(drawn["methods"]))
    painted = drawn["methods"].figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(painted[0, 0], np.array([0x56, 0xB4, 0xE9]) / 255, atol=1e-6)


def test_an_anonymised_run_names_neither_cases_nor_paths(tmp_path, drawn):
    record = {"anonymise": True, "data": str(tmp_path / "Smith^John")}
    run = write_run(tmp_path / "run", cases=("case-01", "case-02"), record=record)
    made = make_figures([run], tmp_path / "out")
    assert "case-01\nslice 0" in texts(drawn["methods"])
    assert not any("Smith" in line for line in (*made.notes, *texts(drawn["methods"])))
    # and beside it one that is not: whose case is whose is not known without the data
    other = write_run(tmp_path / "other", method="cycada")
    made = make_figures([run, other], tmp_path / "both")
    assert "methods.png" not in [file.name for file in made.files]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"only": ["method"]}, "--only 'method' is no figure; did you mean 'methods'"),
        ({"only": ["uncertainty"]}, "uncertainty cannot be made: the data are not at"),
        ({"only": ["calibration"]}, "calibration cannot be made: no run has a calibration.json"),
        ({"options": Options(cases=0)}, "--cases 0"),
        ({"options": Options(case=("1009",))}, "--case '1009' is no test volume of these runs; there are: 1001, 1002"),
        ({"options": Options(slice_index=6)}, "--slice 6: 1001 has slices 0 to 5"),
        ({"seed": 1}, "--seed and --direction"),
    ],
)
def test_mistakes_leave_nothing(tmp_path, options, said):
    run = write_run(tmp_path / "run")
    with pytest.raises(UserError, match=said):
        make_figures([run], tmp_path / "out", **options)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_folders_in_use_and_damage(tmp_path):
    run = write_run(tmp_path / "run")
    with pytest.raises(UserError, match="exists and is not empty"):
        make_figures([run], run)
    (run / "predictions" / "1001.nii.gz").write_bytes(b"no volume")
    with pytest.raises(UserError, match=r"1001\.nii\.gz is damaged"):
        make_figures([run], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_predictions_of_other_shapes(tmp_path):
    import nibabel

    one, two = write_run(tmp_path / "one"), write_run(tmp_path / "two", method="cycada")
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 8, 8), np.uint8), np.eye(4)), two / "predictions" / "1001.nii.gz")
    with pytest.raises(UserError, match="1001 differ in shape"):
        make_figures([one, two], tmp_path / "out")


def test_the_names_are_what_the_command_says():
    from seasa_da.commands.figures import figures

    assert all(name in (figures.help or "") for name in FIGURES)
