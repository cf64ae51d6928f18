"""The Medical Segmentation Decathlon's task folders, one a domain: `ct/dataset.json`, `ct/imagesTr/CASE.nii.gz`.

They are read as nnU-Net's are, but for the names: what one ends in is never a channel, as all channels are in one file.
"""

from __future__ import annotations

from seasa_da.data.readers.nnunet import NNUNetReader


class MSDReader(NNUNetReader):
    """Reads the layout above; see `seasa_da.data.readers.Reader`."""

    name = "msd"
    summary = "Medical Segmentation Decathlon, a task folder a domain: ct/dataset.json, ct/imagesTr/CASE.nii.gz, mr/…"
    version = 1
    numbered = False
