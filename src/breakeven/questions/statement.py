"""The parts that answers are made of. Null stands for unknown or never; there is no infinity and no NaN."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar, dataclass_transform

from breakeven.catalogue.records import Source
from breakeven.options.lines import CostLine

Word = Literal["clear_win", "worth_considering", "not_worth_it", "never", "unavailable", "unknown"]


def finite(value: float) -> float | None:
    """A number, or None in place of infinity and NaN."""
    return value if math.isfinite(value) else None


AnyPart = TypeVar("AnyPart")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def part(shape: type[AnyPart]) -> type[AnyPart]:
    """A part of an answer: a frozen dataclass, because an answer holds thousands of them."""
    return dataclass(frozen=True, slots=True, kw_only=True)(shape)


@part
class Line:
    """
    One line of a cost statement. [USD in month 1, or once, as ``when`` says]

    ``usd`` and ``usd_per_unit`` are null where no price is known. ``usd_low`` and ``usd_high`` are the band of a line
    that is ``estimated``.
    """

    name: str
    when: Literal["month 1", "once"]
    quantity: float
    unit: str
    usd_per_unit: float | None
    usd: float | None
    source: str
    part: str
    estimated: bool
    usd_low: float | None
    usd_high: float | None


def statement_line(line: CostLine, calls: float) -> Line:
    """A cost line as printed: "per call" lines are multiplied by the calls of month 1."""
    quantity = line.quantity * calls if line.when == "per call" else line.quantity
    usd = None if line.usd_per_unit is None else quantity * line.usd_per_unit
    return Line(
        name=line.name,
        when="once" if line.when == "once" else "month 1",
        quantity=quantity,
        unit=line.unit,
        usd_per_unit=line.usd_per_unit,
        usd=usd,
        source=line.source,
        part=line.part,
        estimated=(line.low, line.high) != (1.0, 1.0),
        usd_low=None if usd is None else usd * line.low,
        usd_high=None if usd is None else usd * line.high,
    )


@part
class Opponent:
    """What tuning has to beat: today's choice, or the cheapest untuned one. [USD]"""

    label: str
    model: str | None
    monthly_usd: float
    horizon_usd: float
    usd_per_call: float
    usd_per_successful_call: float | None
    lines: list[Line]
    notes: list[str]


@part
class Untuned:
    """One untuned alternative that was looked at; ``counted`` if it may become ``best_untuned``."""

    label: str
    model: str | None
    monthly_usd: float
    horizon_usd: float
    counted: bool
    condition: str


@part
class Flips:
    """
    The value of one input, all others as given, at which break-even falls to ``at_months``; null where none does.

    ``calls_per_month`` [1/month]; ``output_reduction``, ``input_reduction`` [share]; ``premium`` [tuned price over
    today's price]; ``training_usd`` [USD per run].
    """

    at_months: float
    calls_per_month: float | None
    output_reduction: float | None
    input_reduction: float | None
    premium: float | None
    training_usd: float | None


@part
class OptionAnswer:
    """
    One tuned option against staying.

    Money for month 1 unless the name says otherwise. ``break_even_months`` is null where the saving never repays the
    upfront cost, or only after ``life_months``. ``saving_usd`` is the net saving over the horizon, counted while the
    option lives. float | Nones are null where a price is unknown; ``at_least_*`` then sum what is known.
    """

    id: str
    label: str
    kind: str
    available: bool
    why_unavailable: str | None
    verdict: Word
    upfront_usd: float | None
    upfront_low_usd: float | None
    upfront_high_usd: float | None
    at_least_upfront_usd: float
    monthly_usd: float | None
    at_least_monthly_usd: float
    monthly_saving_usd: float | None
    usd_per_successful_call: float | None
    break_even_months: float | None
    break_even_months_vs_best_untuned: float | None
    simple_break_even_months: float | None
    saving_usd: float | None
    saving_usd_vs_best_untuned: float | None
    roi: float | None
    npv_usd: float | None
    irr_month: float | None
    life_months: float | None
    estimated: bool
    reasons: list[str]
    notes: list[str]
    unknowns: list[str]
    lines: list[Line]
    flips: Flips


@part
class Month:
    """One month of the projection, for the leading option; its amounts are null where a price is unknown. [USD]"""

    month: int
    calls: float
    stay_usd: float
    best_untuned_usd: float
    option_usd: float | None
    cumulative_saving_usd: float | None
    served: float
    """Share of the month in which the option is still served; the rest is billed as staying."""


@part
class Check:
    """One of the article's questions or conditions, with what it rests on."""

    question: str
    answer: Literal["yes", "no", "unknown"]
    evidence: str
    consequence: str


@part
class Verdict:
    """The answer in one word and one sentence, for the leading option against the better of the two opponents."""

    word: Word
    headline: str
    option_id: str | None


@part
class Cited:
    """A source the answer used; ``used_by`` names stay, best_untuned, assumptions, or the ids of options."""

    title: str
    url: str
    seen: str
    confidence: str
    note: str
    used_by: list[str]


def cite(uses: Iterable[tuple[str, Source]]) -> list[Cited]:
    """Catalogue sources as an answer shows them, each once, with who used it."""
    users: dict[tuple[str, str, str], list[str]] = {}
    sources: dict[tuple[str, str, str], Source] = {}
    for user, source in uses:
        key = (source.title, source.url, source.seen)
        sources.setdefault(key, source)
        if user not in users.setdefault(key, []):
            users[key].append(user)
    return [
        Cited(
            title=source.title,
            url=source.url,
            seen=source.seen,
            confidence=source.confidence,
            note=source.note,
            used_by=users[key],
        )
        for key, source in sources.items()
    ]
