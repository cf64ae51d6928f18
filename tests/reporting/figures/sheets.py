"""What tests ask of a sheet: its texts and where they are, its legend, its pictures."""

import itertools

from matplotlib.text import Text


def texts(sheet):
    """All that can be read, ticks included."""
    return [text for text in sheet.figure.findobj(Text) if text.get_text().strip() and text.get_visible()]


def said(sheet):
    return [text.get_text() for text in texts(sheet)]


def legend(sheet):
    return [text.get_text() for own in sheet.figure.legends for text in own.get_texts()]


def pictures(sheet):
    """The axes with an image in them, in the order in which they were made."""
    return [axes for axes in sheet.figure.axes if axes.images]


def check_texts(sheet, smallest=6.0):
    """No text lies over another or is cut off, and all can be read."""
    sheet.figure.canvas.draw()
    renderer = sheet.figure.canvas.get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts(sheet)]
    assert boxes
    for (one, box), (other, second) in itertools.combinations(boxes, 2):
        assert not box.padded(-2).overlaps(second.padded(-2)), (one, other)
    width, height = sheet.figure.bbox.x1, sheet.figure.bbox.y1
    for text, box in boxes:
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1, (text, box)
    assert min(text.get_fontsize() for text in texts(sheet)) >= smallest
    assert sheet.width <= 7.17
