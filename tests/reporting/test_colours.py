from seasa_da.reporting.colours import CYCLE, PAPER, rgb, structure_colours


def test_the_papers_structures_have_its_colours():
    colours = structure_colours(["AA", "lac", "LVC", "MYO"])
    assert colours == {"AA": PAPER["AA"], "lac": PAPER["LAC"], "LVC": PAPER["LVC"], "MYO": PAPER["MYO"]}
    red, green, blue = (rgb(colours[name]) for name in ("MYO", "lac", "AA"))
    assert red[0] == max(red) and green[1] == max(green) and blue[2] == max(blue)
    yellow = rgb(colours["LVC"])
    assert min(yellow[:2]) > 2 * yellow[2]


def test_others_take_the_cycle_in_order():
    assert structure_colours(["liver", "spleen"]) == {"liver": CYCLE[0], "spleen": CYCLE[1]}


def test_others_keep_away_from_the_papers_colours():
    colours = structure_colours(["RV", "AA", "LAC", "LVC", "MYO", "PA"])
    assert {colours["RV"], colours["PA"]} == {"#CC79A7", "#E69F00"}


def test_all_differ():
    names = ["AA", "LAC", "LVC", "MYO", *(f"s{i}" for i in range(30))]
    assert len(set(structure_colours(names).values())) == len(names)


def test_the_safe_palette_is_the_cycle_alone():
    names = ["AA", "LAC", "LVC", "MYO", "liver"]
    assert list(structure_colours(names, "safe").values()) == list(CYCLE[:5])
