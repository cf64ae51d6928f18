"""What is known of a method here: its line in the registry, and the text at the head of its file."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from seasa_da.errors import UserError
from seasa_da.registry import find_addon, find_method
from seasa_da.reporting.page.content import Method
from seasa_da.reporting.page.method_notes import method_notes


def described(name: str, method: str, addons: Sequence[str] = ()) -> Method:
    """A row of a table. A plug-in that is not installed has no notes."""
    try:
        spec = find_method(method)
        further = [find_addon(addon).summary for addon in addons]
    except UserError:
        return Method(name, "", None)
    summary = "; with ".join([spec.summary, *further])
    try:
        spec.load_stages()
    except UserError:
        return Method(name, summary, None, spec.oracle)
    text = sys.modules[spec.stages.partition(":")[0]].__doc__
    return Method(name, summary, method_notes(method, text) if text else None, spec.oracle)
