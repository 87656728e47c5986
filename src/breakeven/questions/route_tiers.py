"""A mix of tiers: its bill against one premium model, dominated tiers, and the break-even of tuned ones."""

from dataclasses import dataclass

import numpy as np

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.query import OWN
from breakeven.catalogue.records import Source
from breakeven.errors import InputError
from breakeven.options.lines import Option
from breakeven.projection.closed_form import calls_to_break_even
from breakeven.projection.paths import SEARCH_MONTHS, alive, break_even_months, calls_by_month
from breakeven.projection.routing import leaving_share
from breakeven.questions.compare import Floats, monthly_usd
from breakeven.questions.flips import volume_of_fleet
from breakeven.questions.route_fields import RouteQuestion, Tier
from breakeven.questions.route_options import horizon_of, listed, option_of, router_monthly, workload
from breakeven.questions.statement import Line, finite, part, statement_line

REST = "everything else"
PREMIUM = "premium"


@part
class TierCost:
    """
    One tier in month 1. [USD/month unless the name says otherwise]

    monthly_usd : with hosting and what is escalated. premium_monthly_usd : the same calls on the premium model.
    dominated_by : a tier at least as good that would serve these calls for no more, null where there is none.
    """

    name: str
    label: str
    share: float
    calls_per_month: float
    usd_per_call: float
    fixed_monthly_usd: float
    escalated_monthly_usd: float
    monthly_usd: float
    premium_monthly_usd: float
    saving_monthly_usd: float
    upfront_usd: float
    score: float | None
    dominated_by: str | None
    why_unavailable: str | None
    life_months: float | None
    notes: list[str]
    lines: list[Line]


@part
class TunedTier:
    """
    What adding one tier with an upfront cost brings, against the cheapest tier at least as good in its place.

    saving_usd : over the horizon, after ``upfront_usd``. break_even_calls_per_month : calls of the whole mix at which
    it is repaid within the horizon; null where no volume does it, or the other tier's rented GPUs change with it.
    """

    tier: str
    instead: str
    monthly_usd: float
    instead_monthly_usd: float
    saving_monthly_usd: float
    upfront_usd: float
    break_even_months: float | None
    break_even_calls_per_month: float | None
    saving_usd: float
    life_months: float | None


@part
class Mix:
    """
    The whole mix against one premium model, in month 1 unless the name says otherwise. [USD]

    saving_share : of the premium model's bill, after the router; gross_saving_share : before it. leaving_share : of
    the premium model's bill, that other models serve; leaving_share_needed : so much for ``target_saving``, null where
    even all of it would not do. saving_usd : over the horizon, after ``upfront_usd``.
    """

    premium: str
    premium_monthly_usd: float
    mix_monthly_usd: float
    router_monthly_usd: float
    saving_monthly_usd: float
    saving_share: float | None
    gross_saving_share: float | None
    leaving_share: float | None
    leaving_share_needed: float | None
    upfront_usd: float
    break_even_months: float | None
    saving_usd: float
    months_usd: list[float]
    premium_months_usd: list[float]


@dataclass(frozen=True)
class Mixed:
    """What the tiers come to, with what a reader must know of it."""

    mix: Mix
    tiers: list[TierCost]
    tuned: list[TunedTier]
    unknowns: list[str]
    sources: list[tuple[str, Source]]


def mixed(question: RouteQuestion, catalogue: Catalogue) -> Mixed:
    """
    The bill of the tiers with their shares.

    Raises InputError where a share, the premium model, tokens or a price is missing.
    """
    tiers = _with_rest(question, catalogue)
    if (question.model or "").lower().startswith(f"{OWN}/"):
        raise InputError("--model, the premium model, is a listed one; a tier may run on rented GPUs", "model")
    where = {tier.name: f"tiers.{number}" for number, tier in enumerate(question.tiers)}
    loads = [workload(question, tier, where.get(tier.name, "tiers")) for tier in tiers]
    # serving[u][t]: the model of tier u on the calls of tier t; the last row is the premium model.
    serving = [
        [option_of(question, catalogue, each, load, where.get(each.name, "tiers")) for load in loads] for each in tiers
    ]
    serving.append([listed(question, catalogue, question.model or "", load) for load in loads])
    own = [serving[t][t] for t in range(len(tiers))]
    premium = serving[-1]
    horizons = [horizon_of(question, tier.share or 0.0) for tier in tiers]
    premium_usd = np.array([monthly_usd([premium[t]], horizons[t])[0] for t in range(len(tiers))])
    served = np.array([alive(_life(each), SEARCH_MONTHS) for each in own])
    tier_usd = np.array([monthly_usd([own[t]], horizons[t])[0] for t in range(len(tiers))])
    escalated = np.array([[tier.escalated_share] for tier in tiers]) * premium_usd
    tier_usd = served * (tier_usd + escalated) + (1.0 - served) * premium_usd
    router_usd, router_sources = router_monthly(question, catalogue)
    mix_usd, all_premium = tier_usd.sum(axis=0) + router_usd, premium_usd.sum(axis=0)
    upfront = question.build_usd + sum(each.at_least("once") for each in own)
    saving = all_premium - mix_usd
    leaves = np.array([own[t].id != premium[t].id for t in range(len(tiers))])
    left = float(premium_usd[leaves, 0].sum())
    gained = float((premium_usd - tier_usd)[leaves, 0].sum())
    total = float(all_premium[0])
    within = slice(0, question.horizon_months)
    mix = Mix(
        premium=premium[0].label,
        premium_monthly_usd=total,
        mix_monthly_usd=float(mix_usd[0]),
        router_monthly_usd=float(router_usd[0]),
        saving_monthly_usd=float(saving[0]),
        saving_share=float(saving[0]) / total if total else None,
        gross_saving_share=gained / total if total else None,
        leaving_share=left / total if total else None,
        leaving_share_needed=finite(leaving_share(question.target_saving, gained / left, float(router_usd[0]) / total))
        if left and total
        else None,
        upfront_usd=upfront,
        break_even_months=finite(break_even_months(upfront, saving)),
        saving_usd=float(saving[within].sum() - upfront),
        months_usd=mix_usd[within].tolist(),
        premium_months_usd=all_premium[within].tolist(),
    )
    costs = [
        TierCost(
            name=tier.name,
            label=option.label,
            share=tier.share or 0.0,
            calls_per_month=question.calls_per_month * (tier.share or 0.0),
            usd_per_call=option.at_least("per call"),
            fixed_monthly_usd=option.at_least("per month"),
            escalated_monthly_usd=float(escalated[t, 0]),
            monthly_usd=float(tier_usd[t, 0]),
            premium_monthly_usd=float(premium_usd[t, 0]),
            saving_monthly_usd=float(premium_usd[t, 0] - tier_usd[t, 0]),
            upfront_usd=option.at_least("once"),
            score=tier.score,
            dominated_by=_dominated_by(question, tiers, serving, t),
            why_unavailable=option.why_unavailable,
            life_months=option.life_months,
            notes=list(option.notes),
            lines=[statement_line(line, question.calls_per_month * (tier.share or 0.0)) for line in option.lines],
        )
        for t, (tier, option) in enumerate(zip(tiers, own, strict=True))
    ]
    tuned = [
        _tuned_tier(question, tiers, serving, t, served[t])
        for t, tier in enumerate(tiers)
        if tier.tuned_model or own[t].at_least("once") or own[t].at_least("per month")
    ]
    sources = [(tier.name, source) for tier, each in zip(tiers, own, strict=True) for source in each.sources]
    sources += [(PREMIUM, source) for source in premium[0].sources] + router_sources
    estimated = [tier for tier in question.tiers if tier.tuned_model and tier.upfront_usd is None]
    if estimated:
        names = ("training_examples", "training_epochs")
        sources += [("assumptions", catalogue.assumptions[each].source) for each in names]
    return Mixed(mix, costs, tuned, _unknowns(question, catalogue, premium[0], own, estimated), sources)


def _with_rest(question: RouteQuestion, catalogue: Catalogue) -> list[Tier]:
    """The tiers, and one of the premium model for calls that no tier has. Raises InputError."""
    if question.model is None:
        raise InputError("--model is needed: the premium model that all calls go to otherwise", "model")
    for number, tier in enumerate(question.tiers):
        if tier.share is None:
            raise InputError(f"tiers.{number}.share is needed: the share of all calls that it serves", "tiers")
    total = sum(tier.share or 0.0 for tier in question.tiers)
    if total > 1 + 1e-9:
        raise InputError(f"The shares of the tiers add up to {total:.4g}; they may add up to 1", "tiers")
    if total >= 1 - 1e-9:
        return list(question.tiers)
    names = {tier.name for tier in question.tiers}
    rest = next(each for each in (REST, f"{REST} (2)") if each not in names)
    return [*question.tiers, Tier(name=rest, share=1 - total, model=question.model)]


def _life(option: Option) -> float:
    """Months that a tuned model is served; a listed one is replaced by another, at the same price as far as we know."""
    return np.inf if option.life_months is None or option.kind == "untuned" else option.life_months


def _at_least_as_good(tiers: list[Tier], t: int) -> list[int]:
    """Tiers that may take the calls of tier ``t``, by position; ``len(tiers)`` is the premium model."""
    found = []
    for u, other in enumerate(tiers):
        mine, its = tiers[t].score, other.score
        better = its >= mine if mine is not None and its is not None else u > t
        if u != t and better:
            found.append(u)
    return [*found, len(tiers)]


def _share_usd(question: RouteQuestion, tier: Tier, option: Option) -> float:
    """Month 1 of an option on the calls of a tier, its hosting included. [USD/month]"""
    calls = question.calls_per_month * (tier.share or 0.0)
    return calls * option.at_least("per call") + option.at_least("per month")


def _in_place(
    question: RouteQuestion, tiers: list[Tier], serving: list[list[Option]], t: int
) -> tuple[float, str, int]:
    """
    The cheapest other tier at least as good that is there anyway, on the calls of tier ``t``: USD, name, position.

    Hosting of the other tier is paid anyway, so only its calls count, and the replicas they add.
    """
    return min(
        (float(added_usd(question, tiers, serving, u, t)[0]), tiers[u].name if u < len(tiers) else PREMIUM, u)
        for u in _at_least_as_good(tiers, t)
        if serving[u][t].why_unavailable is None and (u == len(tiers) or serving[u][t].id != serving[-1][t].id)
    )


def added_usd(question: RouteQuestion, tiers: list[Tier], serving: list[list[Option]], u: int, t: int) -> Floats:
    """
    What tier ``u``, there anyway, costs more in each month when it takes the calls of tier ``t``. [USD/month]

    Rented GPUs of ``u`` that are not full take them for nothing; past that they add replicas.
    """
    horizon = horizon_of(question, tiers[t].share or 0.0)
    taking = serving[u][t]
    usd = monthly_usd([taking], horizon)[0] - taking.at_least("per month")
    if taking.fleet is None or u == len(tiers):
        return np.asarray(usd)
    calls = calls_by_month(horizon.calls_per_month, question.growth_month, SEARCH_MONTHS)
    own = calls_by_month(question.calls_per_month * (tiers[u].share or 0.0), question.growth_month, SEARCH_MONTHS)
    fleet = serving[u][u].fleet or taking.fleet
    same = calls * fleet.calls_per_unit / taking.fleet.calls_per_unit
    return np.asarray(
        usd - taking.fleet.beyond_usd(calls) + (fleet.units(own + same) - fleet.units(own)) * fleet.usd_per_unit
    )


def _dominated_by(question: RouteQuestion, tiers: list[Tier], serving: list[list[Option]], t: int) -> str | None:
    """The tier that makes another one pointless."""
    if serving[t][t].id == serving[-1][t].id:
        return None
    usd, name, u = _in_place(question, tiers, serving, t)
    mine = _share_usd(question, tiers[t], serving[t][t])
    escalated = tiers[t].escalated_share * question.calls_per_month * (tiers[t].share or 0.0)
    mine += escalated * serving[-1][t].at_least("per call")
    return name if usd <= mine and serving[u][t].id != serving[t][t].id else None


def _tuned_tier(
    question: RouteQuestion, tiers: list[Tier], serving: list[list[Option]], t: int, served: Floats
) -> TunedTier:
    """A tier with an upfront cost or hosting, against the tier that would serve its calls without it."""
    horizon = horizon_of(question, tiers[t].share or 0.0)
    _, name, u = _in_place(question, tiers, serving, t)
    option, other = serving[t][t], serving[u][t]
    own = monthly_usd([option], horizon)[0]
    own = own + tiers[t].escalated_share * monthly_usd([serving[-1][t]], horizon)[0]
    instead = added_usd(question, tiers, serving, u, t)
    saving = served * (instead - own)
    upfront = option.at_least("once")
    per_call = (tiers[t].share or 0.0) * (
        other.at_least("per call")
        - option.at_least("per call")
        - tiers[t].escalated_share * serving[-1][t].at_least("per call")
    )
    within = served[: question.horizon_months]
    lived = float(within.sum())
    calls: float | None
    if other.fleet is not None:
        calls = None
    elif option.fleet is not None:
        months = calls_by_month(horizon.calls_per_month, question.growth_month, question.horizon_months)
        gain = float(within @ months) * per_call / (tiers[t].share or 1.0)
        own_calls = volume_of_fleet(option.fleet, within, months, gain, upfront)
        calls = None if own_calls is None else own_calls / (tiers[t].share or 1.0)
    else:
        fixed = upfront + option.at_least("per month") * lived
        calls = finite(calls_to_break_even(fixed, per_call * lived)) if lived else None
    return TunedTier(
        tier=tiers[t].name,
        instead=f"{name}: {other.label}",
        monthly_usd=float(own[0]),
        instead_monthly_usd=float(instead[0]),
        saving_monthly_usd=float(saving[0]),
        upfront_usd=upfront,
        break_even_months=finite(break_even_months(upfront, saving)),
        break_even_calls_per_month=calls,
        saving_usd=float(saving[: question.horizon_months].sum() - upfront),
        life_months=option.life_months,
    )


def _unknowns(
    question: RouteQuestion, catalogue: Catalogue, premium: Option, own: list[Option], estimated: list[Tier]
) -> list[str]:
    """What the numbers take for granted."""
    found = []
    if not question.evaluation:
        found.append("whether each tier's model is good enough for its calls is not checked; give an evaluation table")
    if not (question.router_usd_call or question.router_model or question.router_usd_month):
        found.append("routing is counted as free; give --router-usd-call, --router-model or --router-usd-month")
    if estimated:
        names = ", ".join(tier.name for tier in estimated)
        examples = catalogue.assumptions["training_examples"]
        found.append(
            f"training of {names} is estimated from {examples.value} examples; data, labels and people are counted as"
            " 0; give upfront_usd"
        )
    if question.counted_in is None and len({each.label.partition("/")[0] for each in own}) > 1:
        found.append("token counts are taken as equal for all models; give --counted-in to convert them")
    if question.counted_in is not None:
        found.append("token counts of other models are estimated from one corpus")
    ending = dict.fromkeys(
        each.label for each in [premium, *own] if each.kind == "untuned" and each.life_months is not None
    )
    if ending:
        found.append(f"retired one day: {', '.join(ending)}; their prices are taken to hold for what replaces them")
    found += [note for each in own for note in each.unknowns]
    return list(dict.fromkeys(found))
