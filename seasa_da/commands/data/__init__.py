"""`seasa-da data`: make the phantom, verify and prepare raw volumes, look at a store."""

from __future__ import annotations

import click

from seasa_da.commands.data.info import info
from seasa_da.commands.data.phantom import phantom
from seasa_da.commands.data.prepare import prepare
from seasa_da.commands.data.verify import verify


@click.group()
def data() -> None:
    """Make the phantom, verify and prepare raw volumes, look at a store."""


for verb in (phantom, verify, prepare, info):
    data.add_command(verb)
