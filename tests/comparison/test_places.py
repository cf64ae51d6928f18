def test_where_things_are(toy):
    place = toy().place("ours")
    root = place.root
    assert place.run.path == root / "runs" / "ct-to-mri" / "seed0" / "ours"
    place.note_failure("a reason")
    assert place.failure() == "a reason"
    assert place.failure_note == place.parent / ".ours.failed.json"
    place.failure_note.write_text("{")
    assert place.failure() == "its note on the failure is damaged"


def test_a_note_says_nothing_once_the_run_is_finished(toy):
    comparison = toy()
    place = comparison.place("ours")
    place.note_failure("a reason")
    comparison.finish("ours")
    assert place.failure() is None


def test_partial_folders_of_this_row_alone(toy):
    place = toy("ours,adaoutput").place("ours")
    for name in (".ours.partial-10", ".ours.partial-2", ".ours.partial-2.lock", ".ours2.partial-1", "ours"):
        (place.parent / name).mkdir(parents=True)
    assert [path.name for path in place.partials()] == [".ours.partial-2", ".ours.partial-10"]
