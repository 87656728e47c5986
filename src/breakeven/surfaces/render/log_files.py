"""What became of each file of a log, and our price beside the cost the log states, as text."""

from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from breakeven.questions.logs import LogsAnswer
from breakeven.surfaces.render.numbers import calls_of, money

SHOWN_FILES = 12
SHOWN_REASONS = 3
SHOWN_MODELS = 12


def draw_files(answer: LogsAnswer, console: Console) -> None:
    """One line for each file, with its rows and why some are not priced; then files that hold no log."""
    files: list[dict[str, Any]] = answer.files
    for file in files[:SHOWN_FILES]:
        words = f"  {file['name']}: read as {file['reader']}, {file['rows']:,} rows"
        if len(files) > 1 and file["rejected"] is not None and file["priced"] != file["rows"]:
            good = file["rows"] - file["rejected"]
            told = f"{file['priced']:,} priced + {file['unpriced']:,} unpriced" if file["priced"] is not None else None
            words += f" = {told or f'{good:,} good, priced or not,'} + {file['rejected']:,} rejected"
        console.print(Text(words, style="dim"))
        if len(files) > 1:
            for each in file.get("reasons", [])[:SHOWN_REASONS]:
                console.print(Padding(Text(f"{each['rows']:,}: {each['reason']}", style="dim"), (0, 0, 0, 4)))
    if len(files) > SHOWN_FILES:
        console.print(Text(f"  and {len(files) - SHOWN_FILES:,} files more; see --format json", style="dim"))
    if answer.skipped:
        console.print(Text(f"  not read: {len(answer.skipped):,} of {len(files) + len(answer.skipped):,} files"))
        for skipped in answer.skipped[:SHOWN_FILES]:
            console.print(Text(f"    {skipped.file}: {skipped.reason}", style="dim"))
        if len(answer.skipped) > SHOWN_FILES:
            console.print(Text("    more in --format json", style="dim"))


def draw_price_check(answer: LogsAnswer, console: Console) -> None:
    """Our price, the stated cost and the likely cause of the difference, by model, where a log states costs."""
    if not answer.price_check:
        return
    console.print()
    console.print(Text("Our price and the cost the log states", style="bold underline"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, name in enumerate(("model", "calls", "ours", "stated", "difference", "likely cause")):
        table.add_column(name, justify="right" if 0 < index < 5 else "left", overflow="fold")
    for check in answer.price_check[:SHOWN_MODELS]:
        ours, stated, apart = (signed_amount(check[f"{name}_usd"]) for name in ("cost", "reported_cost", "difference"))
        words = str(check["explanation"])
        table.add_row(str(check["model"] or "(none)"), compared_calls(check), ours, stated, apart, words)
    console.print(table)
    if len(answer.price_check) > SHOWN_MODELS:
        more = len(answer.price_check) - SHOWN_MODELS
        console.print(Text(f"  and {more:,} models more; see --format json", style="dim"))
    console.print(Text("  calls: those that state a cost other than 0, which alone are compared", style="dim"))


def compared_calls(check: dict[str, object]) -> str:
    """How many calls are compared; none where none states a cost, ``?`` where their number is not known."""
    return "0" if check["reported_cost_usd"] is None else calls_of(check["compared_calls"])


def signed_amount(usd: object) -> str:
    """An amount with its sign; - where it is not known."""
    if not isinstance(usd, float):
        return "-"
    return f"-{money(-usd)}" if usd < 0 else money(usd)
