"""An answer in sentences: why an option stands where it does, what would flip it, and the headline."""

import numpy as np

from breakeven.catalogue.load import Catalogue
from breakeven.options.lines import Option
from breakeven.projection.closed_form import payback_months
from breakeven.questions.candidates import Candidates
from breakeven.questions.compare import Comparison, word_for
from breakeven.questions.statement import Flips, OptionAnswer, Verdict, Word


def reasons(
    option: Option,
    word: Word,
    upfront: float | None,
    saving: float | None,
    simple: float | None,
    flips: Flips,
    break_even: float,
) -> list[str]:
    """Why the verdict is what it is, most telling first."""
    why = [] if option.why_unavailable is None else [option.why_unavailable]
    hosting = option.at_least("per month")
    if saving is not None and saving <= 0:
        more = f"costs {usd(-saving)} more a month than staying"
        why.append(f"{more}, {usd(hosting)} of it for hosting" if hosting else f"{more}; no volume changes that")
    elif saving is not None and upfront is not None and simple is not None:
        simply = f"{simple:.1f} months by the simple formula"
        why.append(f"saves {usd(saving)} a month and costs {usd(upfront)} upfront: {simply}")
        if word == "never" and option.life_months is not None:
            why.append(f"it is served for {option.life_months:.1f} months only, then it is retired")
        elif np.isfinite(break_even) and abs(break_even - simple) > 0.05:
            why.append(f"month by month, with growth and retraining, it is {break_even:.1f} months")
    if word == "unknown":
        why.append("some of its prices are not published, so no break-even is computed")
    flip = flip_words(flips, break_even)
    return [*why, flip] if flip and word != "unknown" else why


def flip_words(flips: Flips, break_even: float) -> str:
    """What would flip the answer at the target month, in one line, "" where nothing alone does."""
    pays = break_even <= flips.at_months
    parts = []
    if flips.calls_per_month is not None:
        parts.append(f"{flips.calls_per_month:,.0f} calls a month")
    if flips.output_reduction is not None:
        parts.append(f"{flips.output_reduction:.0%} fewer output tokens")
    if flips.input_reduction is not None:
        parts.append(f"{flips.input_reduction:.0%} fewer input tokens")
    if flips.premium is not None:
        parts.append(f"a tuned price of {flips.premium:.2f} x today's")
    if flips.training_usd is not None:
        parts.append(f"{usd(flips.training_usd)} per training run")
    if not parts:
        return ""
    start = "it still pays back within" if pays else "it would pay back in"
    return f"{start} {number(flips.at_months)} months with {', or '.join(parts)}"


def number(value: float) -> str:
    """A number with one decimal, none where it is whole."""
    return f"{value:.1f}".removesuffix(".0")


def paid_back(months: float) -> str:
    """A break-even in words."""
    return "at once (in under 0.1 months)" if months < 0.1 else f"in month {months:.1f}"


def usd(amount: float) -> str:
    """Money as printed in sentences: two decimals below 1,000, none above, sign before the dollar."""
    sign = "-" if amount < 0 else ""
    amount = abs(amount)
    if 0 < amount < 0.01:
        return f"{sign}${amount:.2g}"
    return f"{sign}${amount:,.0f}" if amount >= 1000 else f"{sign}${amount:,.2f}"


def headline(
    found: Candidates,
    options: list[OptionAnswer],
    compared: Comparison,
    order: list[int],
    best: Option,
    catalogue: Catalogue,
) -> Verdict:
    """The leading option against the better of staying and the best untuned choice, in one sentence."""
    if not options:
        return Verdict(
            word="unavailable", headline="Stay on the API: the catalogue has no tuned option.", option_id=None
        )
    first, index = options[0], order[0]
    option = found.tuned[index]
    better = best is not found.stay
    against = f"the untuned {best.label}" if better else "staying"
    break_even = max(float(compared.break_even[index]), float(compared.break_even_vs_best[index]))
    word = word_for(option, break_even, catalogue)
    flip = flip_words(first.flips, float(compared.break_even[index]))
    if word == "unavailable":
        return Verdict(
            word=word, headline=f"Cannot be bought: {first.label}: {first.why_unavailable}.", option_id=first.id
        )
    if word == "unknown":
        why = "; ".join(first.unknowns) or "a price is missing"
        return Verdict(word=word, headline=f"Not known: {first.label}: {why}.", option_id=first.id)
    if word == "never":
        text = f"Stay on the API: {_why_never(first, compared, index, against)}."
        if better and first.verdict != "never":
            paid = f"it would pay back {paid_back(float(compared.break_even[index]))}"
            flip = f"{paid}; {flip}" if flip else paid
    else:
        judged = {
            "clear_win": "a clear win",
            "worth_considering": "worth considering",
            "not_worth_it": "not worth it on cost alone",
        }[word]
        text = f"{first.label} pays back {paid_back(break_even)} against {against}: {judged}"
        text += f", if its quality suffices: {option.caution}." if option.caution else "."
    if flip:
        text += f" Against staying, {flip}."
    return Verdict(word=word, headline=text, option_id=first.id)


def _why_never(first: OptionAnswer, compared: Comparison, index: int, against: str) -> str:
    """Why the leading option never pays back against the better opponent."""
    gain = float(compared.best_usd[0] - compared.option_usd[index, 0])
    if gain <= 0:
        least = "at least " if first.monthly_usd is None else ""
        return f"{first.label} costs {least}{usd(-gain)} a month more than {against}"
    if first.life_months is not None:
        months = payback_months(float(compared.upfront_usd[index]), gain)
        return (
            f"{first.label} would need {number(months)} months to pay back against {against},"
            f" but is served for {number(first.life_months)} only"
        )
    return f"{first.label} does not pay back against {against}"
