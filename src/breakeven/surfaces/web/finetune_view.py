"""A finetune answer as its page shows it: figures with where they come from, statements, ways to change the answer."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from pydantic_core import to_json

from breakeven.catalogue.load import Catalogue
from breakeven.questions.break_even_map import break_even_map
from breakeven.questions.finetune import FinetuneAnswer, FinetuneQuestion
from breakeven.questions.statement import Flips, Line, OptionAnswer
from breakeven.surfaces.render.chart_rows import describe, rows
from breakeven.surfaces.render.finetune import WORDS
from breakeven.surfaces.render.numbers import money, months
from breakeven.surfaces.web.figures import Figure, Figures, compared, inputs
from breakeven.surfaces.web.state import as_text, differing

SHOWN_OPTIONS = 10

SENTENCES = {
    "never": "Stay on the API",
    "unavailable": "Cannot be bought",
    "unknown": "Not known: a price is not published",
}
"""The verdict in a few words, where no month can be named."""


def names(
    question: FinetuneQuestion, answer: FinetuneAnswer, baseline: Figures | None, catalogue: Catalogue | None
) -> dict[str, Any]:
    """What the templates need; with a catalogue, also the map in words, for images of it."""
    mapped = break_even_map(question, answer, catalogue) if catalogue else None
    short = sentence(answer)
    shown = [option for option in answer.options if option.available or option is answer.options[0]]
    closed = [option for option in answer.options if not option.available and option is not answer.options[0]]
    found = figures(answer)
    return {
        "answer": answer,
        "page_title": f"{short} - breakeven",
        "sentence": short,
        "headline": answer.verdict.headline,
        "badge": answer.verdict.word,
        "badge_words": WORDS[answer.verdict.word][0],
        "words": {word: label for word, (label, _) in WORDS.items()},
        "figures": found if baseline is None else compared(found, baseline),
        "shown": shown[:SHOWN_OPTIONS],
        "hidden": len(shown[SHOWN_OPTIONS:]),
        "closed": closed,
        "flips": flips(question, answer),
        "inputs": inputs(answer),
        "cited": _cited(answer),
        "descriptions": describe(answer, mapped),
        "mapped": bool(answer.options) and answer.options[0].available,
        "rows_json": script_json(rows(answer, None)),
    }


def script_json(value: Any) -> Markup:
    """JSON that may stand inside a script element."""
    return Markup(to_json(value).decode().replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def sentence(answer: FinetuneAnswer) -> str:
    """The verdict in a few words."""
    word = answer.verdict.word
    why = answer.options[0].why_unavailable if answer.options else None
    if word == "unavailable" and why and why.startswith(("closed", "the model was retired")):
        return "Cannot be bought any more"
    if word in SENTENCES or not answer.options:
        return SENTENCES.get(word, SENTENCES["never"])
    leading = answer.options[0]
    both = [leading.break_even_months, leading.break_even_months_vs_best_untuned]
    later = max(each for each in both if each is not None)
    return "Pays back at once" if later < 0.1 else f"Pays back in month {later:.1f}"


def figures(answer: FinetuneAnswer) -> Figures:
    """Every figure that is compared with a baseline, by key."""
    stay, best = answer.stay, answer.best_untuned
    found = {
        "stay.monthly_usd": Figure(money(stay.monthly_usd), stay.monthly_usd, statement(stay.lines)),
        "best_untuned.monthly_usd": Figure(money(best.monthly_usd), best.monthly_usd, statement(best.lines)),
    }
    shown = [option for option in answer.options if option.available or option is answer.options[0]]
    for option in shown[:SHOWN_OPTIONS]:
        found |= {f"{option.id}.{name}": figure for name, figure in _of_option(option, answer).items()}
    return found


def _of_option(option: OptionAnswer, answer: FinetuneAnswer) -> Figures:
    known = option.verdict != "unknown"
    never = "never" if known else "?"
    upfront = statement(line for line in option.lines if line.when == "once")
    monthly = statement(line for line in option.lines if line.when != "once")
    stay, best = money(answer.stay.monthly_usd), money(answer.best_untuned.monthly_usd)
    band = ""
    if option.upfront_usd is not None and option.upfront_low_usd != option.upfront_high_usd:
        band = f"estimated, {money(option.upfront_low_usd)} to {money(option.upfront_high_usd)}: "
    life = "" if option.life_months is None else f"; served for {option.life_months:.1f} months"
    why = f"{money(option.upfront_usd)} upfront against what each month saves, month by month{life}"
    return {
        "upfront_usd": Figure(money(option.upfront_usd, unknown="?"), option.upfront_usd, band + upfront),
        "monthly_usd": Figure(money(option.monthly_usd, unknown="?"), option.monthly_usd, monthly),
        "monthly_saving_usd": Figure(
            money(option.monthly_saving_usd, unknown="?"),
            option.monthly_saving_usd,
            f"staying at {stay} less {money(option.monthly_usd)}, in month 1",
        ),
        "break_even_months": Figure(
            never if option.break_even_months is None else months(option.break_even_months),
            option.break_even_months,
            f"{why}, against staying at {stay} in month 1",
        ),
        "break_even_months_vs_best_untuned": Figure(
            never
            if option.break_even_months_vs_best_untuned is None
            else months(option.break_even_months_vs_best_untuned),
            option.break_even_months_vs_best_untuned,
            f"{why}, against {answer.best_untuned.label} at {best} in month 1",
        ),
        "saving_usd": Figure(
            money(option.saving_usd, unknown="?"),
            option.saving_usd,
            f"savings of {answer.question['horizon_months']} months less what is paid upfront{life}",
        ),
    }


def statement(lines: Iterable[Line]) -> str:
    """Cost lines in one text: amount, price, and who says so."""
    return "; ".join(_line_words(line) for line in lines) or "nothing to pay"


def _line_words(line: Line) -> str:
    price = "a price that is not known" if line.usd_per_unit is None else f"${line.usd_per_unit:g}"
    return f"{line.name}: {line.quantity:,.4g} x {line.unit} at {price} = {money(line.usd)} ({line.source})"


@dataclass(frozen=True, slots=True)
class Flip:
    """One change that would flip the answer: in words, and the query of the question with it made."""

    text: str
    query: str


def flips(question: FinetuneQuestion, answer: FinetuneAnswer) -> list[Flip]:
    """Changes of one input that bring the leading option's break-even against staying to the target month."""
    if not answer.options or answer.verdict.word in ("unavailable", "unknown"):
        return []
    found: Flips = answer.options[0].flips
    changes: list[tuple[str, float | None, str]] = [
        ("calls_per_month", found.calls_per_month, "{:,.0f} calls a month"),
        ("output_reduction", found.output_reduction, "{:.0%} fewer output tokens"),
        ("input_reduction", found.input_reduction, "{:.0%} fewer input tokens"),
        ("training_usd", found.training_usd, "${:,.0f} per training run"),
    ]
    if question.premium is not None:
        changes.append(("premium", found.premium, "{:.2f} x today's price"))
    given = {name: as_text(value) for name, value in differing(question).items() if name != "as_of"}
    shown = []
    for name, value, words in changes:
        if value is not None:
            exact = math.ceil(value) if name == "calls_per_month" else value
            shown.append(Flip(words.format(exact), urlencode(given | {name: as_text(float(exact))}, safe=",/:")))
    return shown


def _cited(answer: FinetuneAnswer) -> list[Any]:
    """Sources of what the page shows: both opponents, the assumptions and the leading option."""
    users = {"stay", "best_untuned", "assumptions", answer.verdict.option_id}
    return [source for source in answer.sources if users & set(source.used_by)]
