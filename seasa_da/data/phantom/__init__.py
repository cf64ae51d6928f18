"""The built-in data: an analytic thorax with a heart, rendered as CT and as MRI, in MM-WHS's or nnU-Net's files."""

from seasa_da.data.phantom.write import PHANTOM_VERSION, make_phantom

__all__ = ["PHANTOM_VERSION", "make_phantom"]
