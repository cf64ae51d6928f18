from seasa_da.reporting.figures.text import fit, plain, text_width, widest, wrap


def test_width_grows_with_letters_and_points():
    assert text_width("mmm", 7) > text_width("iii", 7) > 0
    assert abs(text_width("abc", 14) / text_width("abc", 7) - 2) < 1e-6
    assert widest([], 7) == 0
    assert widest(["a", "abc"], 7) == text_width("abc", 7)


def test_fit():
    assert fit("short", 5, 7) == "short"
    cut = fit("a very long text", 0.4, 7)
    assert cut.endswith("…") and text_width(cut, 7) <= 0.4
    assert fit("anything", 0, 7) == "…"


def test_wrap_breaks_after_blanks_hyphens_and_pluses():
    assert wrap("pnp-adanet+se+asa", 0.75, 7) == ["pnp-adanet+", "se+asa"]
    assert wrap("ours", 0.6, 7) == ["ours"]
    assert wrap("supervised (oracle)", 0.7, 7) == ["supervised", "(oracle)"]
    lines = wrap("one two three four five six seven eight", 0.5, 7)
    assert len(lines) == 2 and lines[1].endswith("…")
    assert all(text_width(line, 7) <= 0.5 for line in lines)


def test_plain():
    assert plain("$x$") == r"\$x\$"
