from seasa_da.reporting.page.curves import loss_charts, validator_charts

LOG = [
    {"stage": 0, "stage_name": "warm-up", "iteration": 10, "losses": {"seg_ce_loss": 2.0}},
    {"stage": 0, "stage_name": "warm-up", "iteration": 20, "losses": {"seg_ce_loss": 1.0}},
    {"stage": 1, "stage_name": "adapt", "iteration": 10, "losses": {"seg_ce_loss": 0.5, "entropy_loss": 0.1}},
]
CANDIDATES = [
    {"name": "000-adapt-00000004", "updates": 4, "scores": {"entropy": -0.5, "snd": None}},
    {"name": "000-adapt-00000008", "updates": 8, "scores": {"entropy": -0.3, "snd": None}},
]


def test_losses_run_on_over_the_stages():
    seg, entropy = loss_charts(LOG)
    assert (seg.title, entropy.title) == ("seg ce", "entropy")
    assert seg.description == "from 2 to 0.5 between iteration 10 and 30."
    assert [mark.text for mark in seg.marked] == ["adapt"]


def test_a_run_without_a_log_has_no_chart():
    assert loss_charts([]) == []


def test_validators_mark_the_choice_and_leave_out_what_says_nothing():
    validation = {"by": "entropy", "selected": CANDIDATES[0]["name"], "candidates": CANDIDATES}
    (chart,) = validator_charts(validation)
    assert chart.title == "entropy (chose the result)"
    assert [mark.text for mark in chart.marked] == ["chosen"]
    assert len(chart.series[0].dots) == 2


def test_the_truth_is_marked_as_the_oracles():
    validation = {"by": "last", "selected": CANDIDATES[1]["name"], "candidates": CANDIDATES}
    oracle = {"candidates": [{"updates": 4, "dice": {"mean": 60.0}}, {"updates": 8, "dice": {"mean": 50.0}}]}
    assert "oracle" in validator_charts(validation, oracle)[-1].title
