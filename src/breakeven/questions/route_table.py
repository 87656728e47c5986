"""An evaluation as arrays: items that every model was scored on, what they cost and score, and what was left out."""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from breakeven.catalogue.load import Catalogue
from breakeven.errors import BreakevenError, InputError, nearest
from breakeven.options.lines import Option, Workload
from breakeven.questions.route_fields import RouteQuestion, Scored, Tier
from breakeven.questions.route_options import listed, option_of, workload

Floats = NDArray[np.float64]

LEAST_COVERAGE = 0.9
"""Share of the items that a model must be scored on to be compared: items without it are left out for all. [1]"""

ALL_CALLS, OTHER_TASKS = "all calls", "other tasks"
NOT_ASKED = "a model that is no tier"
NO_COST = "no cost, and no tokens with a price"
ZERO_COST = "a cost of 0, taken as not recorded"
NO_ITEM = "no item to pair it by"
FEW_ITEMS = f"its model has fewer than {LEAST_COVERAGE:.0%} of the items"
INCOMPLETE = "its item is not there for every model"


@dataclass(frozen=True)
class Matrix:
    """
    Items by models. ``rows_in == used + sum(left_out)``, always.

    cost_usd, score, signal : shape (items, models); signal is None where some answer has none.
    paired : whether rows name items; without them a row stands for a whole run, and nothing can be split.
    tasks : of each item, small ones taken together. fixed_usd_month, upfront_usd : of each model.
    """

    models: list[str]
    items: list[str]
    tasks: list[str]
    cost_usd: Floats
    score: Floats
    signal: Floats | None
    fixed_usd_month: Floats
    upfront_usd: Floats
    rows_in: int
    used: int
    left_out: dict[str, int]
    notes: list[str]
    listed_models: list[str]
    paired: bool


class _Rates(NamedTuple):
    """Prices of a model: per token and per request, and per call where the table has no tokens. [USD]"""

    input_token: float
    output_token: float
    request: float
    call: float | None
    fixed_month: float
    upfront: float


def matrix(question: RouteQuestion, catalogue: Catalogue) -> Matrix:
    """
    The evaluation of a question as arrays.

    Raises InputError where a tier is not in the table, or where no two models share an item.
    """
    left_out: Counter[str] = Counter()
    for each in question.evaluation_left_out:
        left_out[each.reason] += each.rows
    rows_in = len(question.evaluation) + left_out.total()
    notes: list[str] = []
    tiers = tiers_by_model(question)
    rows = list(question.evaluation)
    if tiers:
        premium = named(question, question.model, {row.model for row in rows}) if question.model else None
        rows = _kept(rows, [row.model in tiers or row.model == premium for row in rows], NOT_ASKED, left_out)
    rates = _rates(question, catalogue, rows, tiers)
    priced: list[tuple[Scored, float]] = []
    for row in rows:
        usd, reason = _cost(row, rates[row.model], row.model in tiers, question.cost_unit_usd)
        if usd is None:
            left_out[reason] += 1
        else:
            priced.append((row, usd))
    paired = any(row.item is not None for row, _ in priced)
    with_item = [pair for pair in priced if pair[0].item is not None or not paired]
    left_out[NO_ITEM] += len(priced) - len(with_item)
    by_model: dict[str, set[tuple[str, str]]] = {}
    for row, _ in with_item:
        by_model.setdefault(row.model, set()).add(_key(row))
    items = set().union(*by_model.values()) if by_model else set()
    models = sorted(model for model, own in by_model.items() if len(own) >= LEAST_COVERAGE * len(items))
    with_model = [pair for pair in with_item if pair[0].model in models]
    left_out[FEW_ITEMS] += len(with_item) - len(with_model)
    shared = sorted(set.intersection(*(by_model[model] for model in models))) if models else []
    used = [pair for pair in with_model if _key(pair[0]) in set(shared)] if len(shared) < len(items) else with_model
    left_out[INCOMPLETE] += len(with_model) - len(used)
    if len(models) < 2 or not shared:
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in left_out.most_common() if count)
        raise InputError(
            "The evaluation has no items that two models were scored on, each with a cost."
            f" Rows: {rows_in:,}, left out: {reasons or 'none'}",
            "evaluation",
        )
    cost, score, signal, repeats = _arrays(used, models, shared)
    if repeats:
        notes.append(f"{repeats:,} items were scored several times on a model: their means are taken")
    dropped = sorted(by_model.keys() - set(models))
    if dropped:
        notes.append(f"left out, because they were not scored on enough of the items: {', '.join(dropped)}")
    at_list = [model for model in models if model not in tiers and rates[model] is not None]
    return Matrix(
        models=models,
        items=[item for _, item in shared],
        tasks=_pooled([task for task, _ in shared], question.min_task_items, notes),
        cost_usd=cost,
        score=score,
        signal=None if np.isnan(signal).any() else signal,
        fixed_usd_month=np.array([own.fixed_month if (own := rates[model]) else 0.0 for model in models]),
        upfront_usd=np.array([own.upfront if (own := rates[model]) else 0.0 for model in models]),
        rows_in=rows_in,
        used=len(used),
        left_out={reason: count for reason, count in left_out.most_common() if count},
        notes=notes,
        listed_models=at_list,
        paired=paired,
    )


def tiers_by_model(question: RouteQuestion) -> dict[str, Tier]:
    """What the evaluation calls each tier's model -> the tier. Raises InputError for a tier that is not in it."""
    there = {row.model for row in question.evaluation}
    found: dict[str, Tier] = {}
    for number, tier in enumerate(question.tiers):
        names = [tier.evaluated_as] if tier.evaluated_as else [tier.model, tier.tuned_model, tier.name]
        model = next((each for each in names if each in there), None)
        if model is None:
            close = nearest(str(next(each for each in names if each)), there)
            raise InputError(
                f"tiers.{number}: the evaluation has no model {' or '.join(repr(each) for each in names if each)}."
                f"{close} Give evaluated_as",
                "tiers",
            )
        found[model] = tier
    return found


def named(question: RouteQuestion, model: str, there: set[str]) -> str:
    """What the evaluation calls a model. Raises InputError where it is not in it."""
    for tier in question.tiers:
        if model in (tier.model, tier.name) and tier.evaluated_as in there and tier.evaluated_as:
            return tier.evaluated_as
    tail = model.rpartition("/")[2]
    for each in (model, tail):
        if each in there:
            return each
    raise InputError(f"--model {model}: the evaluation has no such model.{nearest(tail, there)}", "model")


def _key(row: Scored) -> tuple[str, str]:
    return (row.task or ALL_CALLS, row.item or "")


def _kept(rows: list[Scored], keep: list[bool], reason: str, left_out: Counter[str]) -> list[Scored]:
    left_out[reason] += keep.count(False)
    return [row for row, kept in zip(rows, keep, strict=True) if kept]


def _rates(
    question: RouteQuestion, catalogue: Catalogue, rows: list[Scored], tiers: dict[str, Tier]
) -> dict[str, _Rates | None]:
    """Prices of each model of the table: of its tier, else the list price where the table states no cost."""
    found: dict[str, _Rates | None] = {}
    for model in {row.model for row in rows}:
        own = [row for row in rows if row.model == model]
        sizes = [(row.input_tokens, row.output_tokens) for row in own]
        read = [each for each, _ in sizes if each is not None]
        written = [each for _, each in sizes if each is not None]
        load = Workload(1.0, float(np.mean(read)), float(np.mean(written))) if read and written else None
        tier = tiers.get(model)
        if tier is not None:
            number = question.tiers.index(tier)
            given = load is None and not any(row.cost_usd for row in own)
            size = workload(question, tier, f"tiers.{number}") if given else load or Workload(1.0, 1.0, 1.0)
            option = option_of(question, catalogue, tier, size, f"tiers.{number}")
            found[model] = _of(option, size, load is not None, given)
        elif load is not None and not any(row.cost_usd for row in own):
            try:
                found[model] = _of(listed(question, catalogue, model, load), load, True, False)
            except BreakevenError:
                found[model] = None
        else:
            found[model] = None
    return found


def _of(option: Option, size: Workload, has_tokens: bool, given: bool) -> _Rates:
    """Prices per token from the lines of an option on calls of a size, a request's size deciding its tier."""
    parts: Counter[str] = Counter()
    for line in option.of("per call"):
        kind = line.part if line.part in ("output", "request") else "input"
        parts[kind] += line.usd or 0.0  # type: ignore[assignment]
    return _Rates(
        input_token=parts["input"] / size.input_tokens if has_tokens and size.input_tokens else 0.0,
        output_token=parts["output"] / size.output_tokens if has_tokens and size.output_tokens else 0.0,
        request=float(parts["request"]) if has_tokens else 0.0,
        call=option.at_least("per call") if given else None,
        fixed_month=option.at_least("per month"),
        upfront=option.at_least("once"),
    )


def _cost(row: Scored, rates: _Rates | None, is_tier: bool, unit_usd: float) -> tuple[float | None, str]:
    """What an item cost, or why that is not known: a tier's own prices, else the table's cost, else the list price."""
    by_tokens = None
    if rates is not None and row.input_tokens is not None and row.output_tokens is not None:
        by_tokens = row.input_tokens * rates.input_token + row.output_tokens * rates.output_token + rates.request
    if is_tier and by_tokens is not None:
        return by_tokens, ""
    if row.cost_usd:
        return row.cost_usd * unit_usd, ""
    if by_tokens is not None:
        return by_tokens, ""
    if rates is not None and rates.call is not None:
        return rates.call, ""
    return None, NO_COST if row.cost_usd is None else ZERO_COST


def _arrays(
    used: list[tuple[Scored, float]], models: list[str], shared: list[tuple[str, str]]
) -> tuple[Floats, Floats, Floats, int]:
    """Mean cost, score and signal of each item on each model, and how many of them were scored more than once."""
    place = {key: number for number, key in enumerate(shared)}
    column = {model: number for number, model in enumerate(models)}
    sums = np.zeros((3, len(shared), len(models)))
    counts = np.zeros((len(shared), len(models)))
    for row, usd in used:
        at = place[_key(row)], column[row.model]
        counts[at] += 1
        for layer, value in enumerate((usd, row.score, np.nan if row.signal is None else row.signal)):
            sums[(layer, *at)] += value
    cost, score, signal = sums / counts
    return cost, score, signal, int((counts > 1).sum())


def _pooled(tasks: list[str], least: int, notes: list[str]) -> list[str]:
    """The task of each item; tasks with fewer than ``least`` items on each half are taken together."""
    counts = Counter(tasks)
    small = sorted(task for task, count in counts.items() if count < 2 * least)
    if len(small) < 2 or len(counts) == 1:
        return tasks
    words = f"{len(small)} tasks with fewer than {least} items on each half are taken together"
    notes.append(f"{words} as {OTHER_TASKS!r}")
    return [OTHER_TASKS if task in small else task for task in tasks]
