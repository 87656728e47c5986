"""How a file would be read, as text; a proposed map is printed so that it can be used as it is."""

import datetime as dt

from rich.console import Console
from rich.text import Text

from breakeven.usage.explain import Explanation, summary

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def draw(found: Explanation, console: Console) -> None:
    """Print the whole explanation."""
    if found.proposed_map is not None:
        _line(console, f"# {found.file}: {found.kind}; {found.why_not}")
        for claim in found.claims:
            _line(console, f"#   not {claim.reader}: it looks for: {claim.looks_for}")
        _line(console, found.proposed_map.rstrip())
        return
    _line(console, f"{found.file}: {found.kind}, read as {found.reader or 'nothing'}")
    if found.why_not:
        _line(console, f"  cannot be read: {found.why_not}")
    for claim in found.claims:
        verb = "claims it" if claim.claims else "does not claim it"
        _line(console, f"  {claim.reader} {verb}: it looks for: {claim.looks_for}")
    _line(console, "Columns found in this file")
    width = max((len(each.column) for each in found.columns), default=0)
    for each in found.columns:
        made = "made from " if each.computed else ""
        _line(console, f"  {each.column:<{width}}  {made}{', '.join(each.fields)}")
    if found.examples:
        _line(console, "First calls, numbers only")
    for row, words in zip(found.examples, summary(found.examples), strict=True):
        at_us = row["at_us"]
        when = "no time" if at_us is None else f"{EPOCH + dt.timedelta(microseconds=at_us):%Y-%m-%d %H:%M:%S} UTC"
        _line(console, f"  line {row['line']}: {when}, {words}")
    for reason, rows in found.reject_counts.items():
        _line(console, f"  rejected {rows:,} at the beginning: {reason}")


def _line(console: Console, text: str) -> None:
    console.print(Text(text), soft_wrap=True)
