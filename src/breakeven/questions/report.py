"""Compared options to the parts of an answer: statements, reasons, the headline, the months."""

import numpy as np

from breakeven.catalogue.load import Catalogue
from breakeven.options.lines import Option, known_usd, total_usd
from breakeven.projection.closed_form import payback_months
from breakeven.questions.candidates import Candidates
from breakeven.questions.compare import Comparison, Horizon, find_flips, is_unknown, monthly_usd, word_for
from breakeven.questions.statement import (
    Flips,
    Month,
    Opponent,
    OptionAnswer,
    Untuned,
    Verdict,
    Word,
    statement_line,
)

RANK: dict[Word, int] = {
    "clear_win": 0,
    "worth_considering": 0,
    "not_worth_it": 0,
    "never": 1,
    "unknown": 2,
    "unavailable": 3,
}
"""Order of options: those with a known outcome by their saving, then unknown ones, then those nobody can buy."""


def opponent(option: Option, horizon: Horizon, success_rate: float | None) -> Opponent:
    """The statement of staying, or of the best untuned choice."""
    per_call = known_usd(option.of("per call"))
    return Opponent(
        label=option.label,
        model=option.id.removeprefix("untuned/") if option.kind == "untuned" else None,
        monthly_usd=horizon.calls_per_month * per_call + known_usd(option.of("per month")),
        horizon_usd=float(monthly_usd(option, horizon)[: horizon.months].sum()),
        usd_per_call=per_call,
        usd_per_successful_call=per_call / success_rate if success_rate else None,
        lines=[statement_line(line, horizon.calls_per_month) for line in option.lines],
        notes=list(option.notes),
    )


def untuned_rows(found: Candidates, horizon: Horizon) -> list[Untuned]:
    """Every untuned choice that was looked at, in the order of ``found.untuned``."""
    return [
        Untuned(
            label=choice.option.label,
            model=choice.model,
            monthly_usd=float(monthly_usd(choice.option, horizon)[0]),
            horizon_usd=float(monthly_usd(choice.option, horizon)[: horizon.months].sum()),
            counted=choice.counted,
            condition=choice.condition,
        )
        for choice in found.untuned
    ]


def option_answers(
    found: Candidates, horizon: Horizon, compared: Comparison, catalogue: Catalogue
) -> tuple[list[OptionAnswer], list[int]]:
    """Answers for every tuned option, the leading one first, and their positions in ``found.tuned``."""
    words = [word_for(option, float(compared.break_even[i]), catalogue) for i, option in enumerate(found.tuned)]
    saving = compared.saving_usd[:, : horizon.months].sum(axis=-1) - compared.upfront_usd

    def place(index: int) -> tuple[bool, int, float]:
        named = found.tuned[index].id in found.asked_for
        return not named, RANK[words[index]], -float(saving[index])

    order = sorted(range(len(found.tuned)), key=place)
    return [_option_answer(found, horizon, compared, catalogue, index, words[index]) for index in order], order


def _option_answer(
    found: Candidates, horizon: Horizon, compared: Comparison, catalogue: Catalogue, index: int, word: Word
) -> OptionAnswer:
    option = found.tuned[index]
    once, upfront = option.of("once"), total_usd(option.of("once"))
    running = total_usd([*option.of("per call"), *option.of("per month")])
    offered = bool(option.lines)
    known = offered and not is_unknown(option)
    monthly = None if running is None or not offered else float(monthly_at_start(option, horizon))
    saving_month = None if monthly is None else float(compared.stay_usd[0]) - monthly
    within = slice(0, horizon.months)
    spent = float(compared.upfront_usd[index])
    saving = float(compared.saving_usd[index, within].sum()) - spent
    versus = float(compared.saving_vs_best_usd[index, within].sum()) - spent
    success = found.success_rates[1]
    simple = None if upfront is None or saving_month is None else payback_months(upfront, saving_month)
    flips = find_flips(
        option,
        found.stay,
        horizon,
        compared,
        index,
        found.reductions,
        found.today_at_tuned_tokens,
        catalogue.assume("not_worth_months"),
    )
    return OptionAnswer(
        id=option.id,
        label=option.label,
        kind=option.kind,
        available=option.why_unavailable is None,
        why_unavailable=option.why_unavailable,
        verdict=word,
        upfront_usd=upfront if offered else None,
        upfront_low_usd=sum((line.usd or 0.0) * line.low for line in once) if offered else None,
        upfront_high_usd=None
        if upfront is None or not offered
        else sum((line.usd or 0.0) * line.high for line in once),
        at_least_upfront_usd=spent,
        monthly_usd=monthly,
        at_least_monthly_usd=float(monthly_at_start(option, horizon)),
        monthly_saving_usd=saving_month,
        usd_per_successful_call=monthly / horizon.calls_per_month / success
        if monthly is not None and success
        else None,
        break_even_months=float(compared.break_even[index]) if known else None,
        break_even_months_vs_best_untuned=float(compared.break_even_vs_best[index]) if known else None,
        simple_break_even_months=simple,
        saving_usd=saving if known else None,
        saving_usd_vs_best_untuned=versus if known else None,
        roi=saving / spent if known and spent > 0 else None,
        npv_usd=float(compared.npv_usd[index]) if known else None,
        irr_month=float(compared.irr_month[index]) if known else None,
        life_months=option.life_months,
        estimated=any((line.low, line.high) != (1.0, 1.0) for line in option.lines),
        reasons=_reasons(option, word, upfront, saving_month, simple, flips, float(compared.break_even[index])),
        notes=list(option.notes),
        unknowns=list(option.unknowns),
        lines=[statement_line(line, horizon.calls_per_month) for line in option.lines],
        flips=flips,
    )


def monthly_at_start(option: Option, horizon: Horizon) -> float:
    """Cost of month 1, without a retraining that may be due in it. [USD]"""
    return horizon.calls_per_month * known_usd(option.of("per call")) + known_usd(option.of("per month"))


def _reasons(
    option: Option,
    word: Word,
    upfront: float | None,
    saving: float | None,
    simple: float | None,
    flips: Flips,
    break_even: float,
) -> list[str]:
    """Why the verdict is what it is, most telling first."""
    reasons = [] if option.why_unavailable is None else [option.why_unavailable]
    hosting = known_usd(option.of("per month"))
    if saving is not None and saving <= 0:
        more = f"costs {usd(-saving)} more a month than staying"
        reasons.append(f"{more}, {usd(hosting)} of it for hosting" if hosting else f"{more}; no volume changes that")
    elif saving is not None and upfront is not None and simple is not None:
        simply = f"{simple:.1f} months by the simple formula"
        reasons.append(f"saves {usd(saving)} a month and costs {usd(upfront)} upfront: {simply}")
        if word == "never" and option.life_months is not None:
            reasons.append(f"it is served for {option.life_months:.1f} months only, then it is retired")
        elif np.isfinite(break_even) and abs(break_even - simple) > 0.05:
            reasons.append(f"month by month, with growth and retraining, it is {break_even:.1f} months")
    if word == "unknown":
        reasons.append("some of its prices are not published, so no break-even is computed")
    flip = flip_words(flips, break_even)
    return [*reasons, flip] if flip and word != "unknown" else reasons


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
            text += f" Against staying as today it would pay back {paid_back(float(compared.break_even[index]))}."
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
        return f"{first.label} costs {usd(-gain)} a month more than {against}"
    if first.life_months is not None:
        months = payback_months(float(compared.upfront_usd[index]), gain)
        return (
            f"{first.label} would need {number(months)} months to pay back against {against},"
            f" but is served for {number(first.life_months)} only"
        )
    return f"{first.label} does not pay back against {against}"


def month_rows(compared: Comparison, leading: int | None, horizon: Horizon) -> list[Month]:
    """The months of the horizon for the leading option; [] without one. Costs are "at least" where one is unknown."""
    if leading is None:
        return []
    served = compared.served[leading]
    blended = served * compared.option_usd[leading] + (1.0 - served) * compared.stay_usd
    cumulative = np.cumsum(compared.stay_usd - blended) - compared.upfront_usd[leading]
    return [
        Month.model_construct(
            month=m + 1,
            calls=float(compared.calls[m]),
            stay_usd=float(compared.stay_usd[m]),
            best_untuned_usd=float(compared.best_usd[m]),
            option_usd=float(blended[m]),
            cumulative_saving_usd=float(cumulative[m]),
            served=float(served[m]),
        )
        for m in range(horizon.months)
    ]
