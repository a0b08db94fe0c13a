"""`flask demo`: the demo shop."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from ..demo import seed
from .base import plain_errors

demo = AppGroup("demo", help="The demo shop.")


@demo.command("seed")
@click.option("--write", type=click.Path(path_type=Path), default=Path("var/demo.json"), show_default=True)
@plain_errors
def seed_demo(write: Path) -> None:
    """Fill an empty database with a demo shop, and write what the demo traffic needs to know."""
    seed(write)
