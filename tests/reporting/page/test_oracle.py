from seasa_da.reporting.page.oracle import oracle_gap_tables

ROW = {
    "name": "ours",
    "oracle": False,
    "by": {"last": 70.0, "entropy": None},
    "selected": 70.0,
    "best": 73.0,
    "gap": 3.0,
}


def test_methods_and_validators():
    agreement = {"last": {"runs": 3, "dice": 70.0, "regret": 3.0, "worst": 4.0, "correlation": None}}
    methods, validators = oracle_gap_tables({"by": "last", "rows": [ROW], "agreement": agreement})
    assert [column.header for column in methods.columns][1:] == [
        "result",
        "best (oracle)",
        "gap",
        "by last",
        "by entropy",
    ]
    assert [cell.text for cell in methods.rows[0]] == ["ours", "70.0", "73.0", "3.0", "70.0", "–"]
    assert any("no result" in note for note in methods.notes)
    assert [cell.text for cell in validators.rows[0]] == ["last", "3", "70.0", "3.0", "4.0", "–"]


def test_nothing_to_show():
    assert oracle_gap_tables({"rows": []}) == []
