"""New volumes in, segmentations in the volumes' own grids out; no label is ever opened."""
