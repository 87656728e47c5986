"""The charts of a finetune answer in words: what a reader who does not see them is told, with the figures."""

from breakeven.questions.break_even_map import BreakEvenMap
from breakeven.questions.cost_paths import CostPath
from breakeven.questions.finetune import FinetuneAnswer

PARTS = {
    "training": "training",
    "data": "data",
    "people": "people",
    "hosting": "hosting",
    "input": "input",
    "cached_input": "cached input",
    "cache_write": "cache writes",
    "output": "output",
    "request": "requests",
    "failure": "failed calls",
    "stay": "staying, after its end",
}
"""Parts of a cost in the reader's words, in the order in which bars are stacked."""


def describe(answer: FinetuneAnswer, break_even: BreakEvenMap | None) -> dict[str, str]:
    """Chart -> its text alternative; "" for the map where there is none."""
    return {
        "costs": _describe_costs(answer.paths),
        "map": "" if break_even is None else describe_map(break_even),
        "parts": _describe_parts(answer),
    }


def short_usd(usd: float) -> str:
    """Money in few characters: $0.05, $940, $12.3k, $1.5M."""
    size = abs(usd)
    sign = "-" if usd < 0 else ""
    for limit, per, unit in ((1e12, 1e12, "T"), (1e9, 1e9, "B"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if size >= limit * 0.9995:
            return f"{sign}${size / per:,.{0 if size >= 1000 * per else 1}f}".removesuffix(".0") + unit
    return f"{sign}${size:,.0f}" if size >= 9.95 or size == 0 else f"{sign}${size:.2g}"


def _describe_costs(paths: list[CostPath]) -> str:
    months = len(paths[0].cumulative_usd) - 1
    ends = "; ".join(
        f"{path.label} {short_usd(path.cumulative_usd[-1])}" + (f", {notes}" if (notes := _notes(path, months)) else "")
        for path in paths
    )
    return f"Line chart of costs added up over {months} months. At the end: {ends}."


def _notes(path: CostPath, months: int) -> str:
    """When an option has paid back, and when it is retired."""
    notes = []
    if path.role == "option":
        paid = path.break_even_months
        notes.append(
            "never cheaper than staying" if paid is None else f"break-even against staying in month {paid:.1f}"
        )
    if path.life_months is not None and path.life_months <= months:
        notes.append(f"retired in month {path.life_months:.1f}")
    return " and ".join(notes)


def _describe_parts(answer: FinetuneAnswer) -> str:
    order = list(PARTS)
    bars = []
    for path in answer.paths:
        parts = sorted((part for part in path.parts if part.usd), key=lambda part: order.index(part.part))
        bars.append(f"{path.label}: " + ", ".join(f"{PARTS[part.part]} {short_usd(part.usd)}" for part in parts))
    return f"Bar chart of what {answer.question['horizon_months']} months cost, by part. {'; '.join(bars)}."


def describe_map(break_even: BreakEvenMap) -> str:
    """The map in words: its range, where break-even is soonest, and how much of it never pays back."""
    calls, reductions = break_even.calls_per_month, break_even.output_reduction
    found = [
        (months, volume, reduction)
        for reduction, row in zip(reductions, break_even.break_even_months, strict=True)
        for volume, months in zip(calls, row, strict=True)
        if months is not None
    ]
    words = [word for row in break_even.words for word in row]
    start = (
        f"Table of months to break-even of {break_even.label}, for {_count(calls[0])} to {_count(calls[-1])} calls a"
        f" month and {reductions[0]:.0%} to {reductions[-1]:.0%} fewer output tokens."
    )
    if not found:
        return f"{start} It pays back nowhere."
    months, volume, reduction = min(found)
    soonest = f"Soonest: {months:.1f} months, at {_count(volume)} calls and {reduction:.0%} fewer output tokens"
    return f"{start} {soonest}. It never pays back in {words.count('never')} of {len(words)} cells."


def _count(calls: float) -> str:
    return f"{calls:,.0f}" if calls >= 1 else f"{calls:g}"
