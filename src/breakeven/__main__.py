"""``python -m breakeven``."""

from breakeven.surfaces.cli import run

run()
