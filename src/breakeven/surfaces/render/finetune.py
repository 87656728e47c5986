"""A finetune answer as text: one sentence, the options, the months, what would flip it, the questions, sources."""

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from breakeven.questions.finetune import FinetuneAnswer
from breakeven.questions.statement import Check, Line, OptionAnswer
from breakeven.surfaces.render.layout import bullets, grid, heading, sources
from breakeven.surfaces.render.numbers import money, months

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
    bullets("Not known", answer.unknowns, console)
    used = {"stay", "best_untuned", "assumptions", answer.verdict.option_id}
    cited = [source for source in answer.sources if used & set(source.used_by)]
    sources(answer.prices, answer.question["as_of"], cited, console)


def _opponents(answer: FinetuneAnswer, console: Console) -> None:
    heading("What tuning has to beat", console)
    horizon = answer.question["horizon_months"]
    table = grid("", "a month", f"{horizon} months", "condition", right=(1, 2))
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
    heading("Tuned options", console)
    table = grid(
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
    heading(f"{option.label}", console)
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
    heading("Month by month", console)
    table = grid("month", "stay", "best untuned", "tuned", "saved so far", right=(0, 1, 2, 3, 4))
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
    heading(title, console)
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
