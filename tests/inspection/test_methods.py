from seasa_da.inspection.methods import described


def test_the_notes_are_those_of_the_methods_file():
    from seasa_da.baselines import crst

    method = described("crst", "crst")
    assert method.notes.title == crst.__doc__.split("\n")[0]
    assert not method.oracle


def test_add_ons_and_oracles():
    assert "with selective entropy" in described("adaoutput+se", "adaoutput", ["se"]).summary
    assert described("supervised", "supervised").oracle


def test_a_method_that_is_not_installed_has_no_notes():
    method = described("theirs", "theirs")
    assert (method.name, method.notes) == ("theirs", None)
