"""A finetune answer as text: one sentence, the options, the months, what would flip it, the questions, sources."""

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from breakeven.questions.finetune import FinetuneAnswer
from breakeven.questions.statement import Check, Line, OptionAnswer

WORDS = {
    "clear_win": ("clear win", "green"),
    "worth_considering": ("worth considering", "yellow"),
    "not_worth_it": ("not worth it", "red"),
    "never": ("never", "red"),
    "unavailable": ("unavailable", "dim"),
    "unknown": ("unknown", "dim"),
}
SHOWN_OPTIONS = 10
SHOWN_NOTES = 3


def money(usd: float | None, *, unknown: str = "unknown") -> str:
    """Money as printed; the only place where it is rounded. None is ``unknown``."""
    if usd is None:
        return unknown
    sign, size = ("-" if usd < -0.005 else ""), abs(usd)
    if 0 < size < 0.01:
        return f"{'-' if usd < 0 else ''}${size:.2g}"
    return f"{sign}${size:,.2f}" if size < 10_000 else f"{sign}${size:,.0f}"


def months(value: float | None) -> str:
    """Months as printed, "never" for none."""
    return "never" if value is None else f"{value:.1f}"


def draw(answer: FinetuneAnswer, console: Console) -> None:
    """Print the whole answer."""
    label, colour = WORDS[answer.verdict.word]
    console.print()
    console.print(Text(answer.verdict.headline, style="bold"))
    console.print(Text(f"Verdict: {label}", style=colour))
    _opponents(answer, console)
    _options(answer, console)
    if answer.options:
        _leading(answer.options[0], console)
        _months(answer, console)
    _checks("The five questions", answer.framework, console)
    _conditions(answer, console)
    _list("Not known", answer.unknowns, console)
    _sources(answer, console)


def _heading(text: str, console: Console) -> None:
    console.print()
    console.print(Text(text, style="bold underline"))


def _table(*columns: str, right: tuple[int, ...] = ()) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index in right else "left", overflow="fold")
    return table


def _opponents(answer: FinetuneAnswer, console: Console) -> None:
    _heading("What tuning has to beat", console)
    horizon = answer.question["horizon_months"]
    table = _table("", "a month", f"{horizon} months", "condition", right=(1, 2))
    for row in answer.untuned[:6]:
        note = row.condition if row.counted else f"not counted: {row.condition}"
        table.add_row(row.label, money(row.monthly_usd), money(row.horizon_usd), note)
    console.print(table)
    for line in answer.stay.lines:
        console.print(Padding(_line_words(line), (0, 0, 0, 2)))


def _line_words(line: Line) -> Text:
    price = "price unknown" if line.usd_per_unit is None else f"${line.usd_per_unit:g}"
    amount = f"{line.quantity:,.4g} x {line.unit} at {price} = {money(line.usd)}"
    band = f" ({money(line.usd_low)} to {money(line.usd_high)}, estimated)" if line.estimated else ""
    when = "once, " if line.when == "once" else ""
    return Text(f"{line.name}: {when}{amount}{band}  [{line.source}]", style="dim")


def _options(answer: FinetuneAnswer, console: Console) -> None:
    _heading("Tuned options", console)
    table = _table(
        "option", "upfront", "a month", "saves a month", "break-even", "vs untuned", "verdict", right=(1, 2, 3)
    )
    bought = [option for option in answer.options if option.available or option is answer.options[0]]
    for option in bought[:SHOWN_OPTIONS]:
        label, colour = WORDS[option.verdict]
        known = option.verdict != "unknown"
        table.add_row(
            option.id,
            "?"
            if option.upfront_usd is None
            else money(option.upfront_usd) + (" est." if _upfront_estimated(option) else ""),
            money(option.monthly_usd, unknown="?"),
            money(option.monthly_saving_usd, unknown="?"),
            months(option.break_even_months) if known else "?",
            months(option.break_even_months_vs_best_untuned) if known else "?",
            Text(label, style=colour),
        )
    console.print(table)
    hidden = bought[SHOWN_OPTIONS:]
    closed = [option for option in answer.options if not option.available and option is not answer.options[0]]
    if hidden:
        console.print(Text(f"  and {len(hidden)} more that are not better; see --format json", style="dim"))
    if closed:
        console.print(Text("  Cannot be ordered:", style="dim"))
        for option in closed[:6]:
            console.print(Padding(Text(f"{option.id}: {option.why_unavailable}", style="dim"), (0, 0, 0, 4)))
        if len(closed) > 6:
            console.print(Text(f"    and {len(closed) - 6} more; see: breakeven offers", style="dim"))


def _upfront_estimated(option: OptionAnswer) -> bool:
    return option.upfront_usd is not None and any(line.estimated for line in option.lines if line.when == "once")


def _leading(option: OptionAnswer, console: Console) -> None:
    _heading(f"{option.label}", console)
    for line in option.lines:
        console.print(Padding(_line_words(line), (0, 0, 0, 2)))
    for reason in option.reasons:
        console.print(Padding(Text(reason), (0, 0, 0, 2)))
    figures = [f"net saving over the horizon {money(option.saving_usd)}"]
    if option.roi is not None:
        figures.append(f"return {option.roi:,.0%}")
    figures.append(f"present value {money(option.npv_usd)}")
    if option.life_months is not None:
        figures.append(f"served for {option.life_months:.1f} months")
    console.print(Padding(Text("; ".join(figures)), (0, 0, 0, 2)))
    for note in option.notes[:SHOWN_NOTES]:
        console.print(Padding(Text(note, style="dim"), (0, 0, 0, 2)))
    if len(option.notes) > SHOWN_NOTES:
        console.print(Text(f"  more: breakeven offers --model {option.id}", style="dim"))


def _months(answer: FinetuneAnswer, console: Console) -> None:
    _heading("Month by month", console)
    table = _table("month", "stay", "best untuned", "tuned", "saved so far", right=(0, 1, 2, 3, 4))
    for row in answer.projection:
        table.add_row(
            str(row.month),
            money(row.stay_usd),
            money(row.best_untuned_usd),
            money(row.option_usd, unknown="?") + ("" if row.served == 1 else " *"),
            money(row.cumulative_saving_usd, unknown="?"),
        )
    console.print(table)
    if any(row.served < 1 for row in answer.projection):
        console.print(Text("  * no longer served for the whole month; the rest is billed as staying", style="dim"))


def _checks(title: str, checks: list[Check], console: Console) -> None:
    _heading(title, console)
    for check in checks:
        console.print(Text(f"  {check.answer:8}{check.question}"))
        console.print(Padding(Text(check.evidence, style="dim"), (0, 0, 0, 10)))
        if check.answer == "no":
            console.print(Padding(Text(check.consequence, style="dim"), (0, 0, 0, 10)))


def _conditions(answer: FinetuneAnswer, console: Console) -> None:
    for title, checks in (("For tuning", answer.wins), ("For the API", answer.loses)):
        holding = [check.question for check in checks if check.answer == "yes"]
        console.print()
        console.print(Text(f"{title}: {'; '.join(holding) if holding else 'none of the conditions is known to hold'}"))


def _list(title: str, lines: list[str], console: Console) -> None:
    if lines:
        _heading(title, console)
        for line in lines:
            console.print(Padding(Text(f"- {line}"), (0, 0, 0, 2)))


def _sources(answer: FinetuneAnswer, console: Console) -> None:
    prices = answer.prices
    _heading("Sources", console)
    refreshed = f", refreshed {prices['refreshed']}" if prices["refreshed"] else ""
    newest = f"newest price change {prices['newest_change']}"
    words = f"List prices: {prices['package']} {prices['version']}{refreshed}, {newest}"
    console.print(Text(f"  {words}; prices and offers as of {answer.question['as_of']}", style="dim"))
    shown = {"stay", "best_untuned", "assumptions", answer.verdict.option_id}
    for source in answer.sources:
        if not shown & set(source.used_by):
            continue
        line = f"{source.title}, seen {source.seen} ({source.confidence}) {source.url}"
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 2)))
