"""``breakeven mcp``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from breakeven.catalogue.load import load_catalogue
from breakeven.surfaces.cli.serve import needs


def mcp(
    *,
    prices: Annotated[Path | None, Parameter(help="YAML file with your own prices, models and offers.")] = None,
) -> None:
    """Answer an assistant over MCP, on standard input and output, until it closes them."""
    needs("mcp", "mcp")
    from breakeven.surfaces.mcp import run_stdio

    run_stdio(load_catalogue(prices))
