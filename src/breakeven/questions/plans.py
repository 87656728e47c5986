"""Every combination of levers and models as arrays: what each costs once and over the horizon."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import ListModel
from breakeven.catalogue.records import Offer
from breakeven.errors import PriceNotFoundError
from breakeven.options.levers import with_batch, with_cache, with_fewer_tokens
from breakeven.options.lines import Option, Workload
from breakeven.options.own import own_option
from breakeven.options.selfhost import Terms
from breakeven.options.served import model_option
from breakeven.options.tuned import TrainingPlan, from_offer
from breakeven.projection.attribution import cache_hit_share
from breakeven.projection.paths import alive
from breakeven.questions.compare import Horizon, monthly_usd

Floats = NDArray[np.float64]

MINUTES_PER_HOUR = 60.0


@dataclass(frozen=True)
class Lever:
    """
    Something that can be done without changing who serves the calls.

    key : cache, batch, prompt, output or responses. words : as people read it.
    effort_usd : paid once for it. [USD]
    """

    key: str
    words: str
    effort_usd: float


@dataclass(frozen=True)
class Strengths:
    """How far each lever reaches, as shares; 0 where it is not there. ``hit`` of the cached tokens are found."""

    cache: float = 0.0
    batch: float = 0.0
    prompt: float = 0.0
    output: float = 0.0
    responses: float = 0.0
    hit: float = 1.0
    cache_minimum_tokens: float = 0.0


class Candidate(NamedTuple):
    """
    Who may serve the calls: today's model (all None), another one, an offer of tuning, or a model tuned on own GPUs.

    model : listed, or one of ``served.find_model``. own : an open-weights model to be tuned and served on rented GPUs.
    """

    label: str
    model: ListModel | None = None
    offer: Offer | None = None
    own: str | None = None
    upfront_usd: float = 0.0

    @property
    def tuned(self) -> bool:
        """Whether it is a tuned model, which may end."""
        return self.offer is not None or self.own is not None


@dataclass(frozen=True)
class Plans:
    """
    Arrays over (sets of levers, candidates); bit i of a set is lever i. NaN where a candidate cannot serve the calls.

    usd : shape (sets, candidates, months), upfront left out. upfront_usd : shape (sets, candidates). [USD]
    """

    levers: tuple[Lever, ...]
    candidates: tuple[Candidate, ...]
    options: dict[tuple[int, int], Option]
    usd: Floats
    upfront_usd: Floats

    def horizon_usd(self) -> Floats:
        """What each costs over the horizon, upfront included. Shape (sets, candidates). [USD]"""
        return np.asarray(self.usd.sum(axis=-1) + self.upfront_usd)


def levered(workload: Workload, levers: Iterable[str], reach: Strengths) -> Workload:
    """
    The calls with some levers pulled; "responses" changes the number of calls and is not seen here.

    Prompts are shortened before they are cached, and a prompt shorter than providers cache stays uncached. Of the
    cached tokens ``hit`` are read and the others written anew.
    """
    pulled = set(levers)
    shorter = with_fewer_tokens(
        workload,
        input_reduction=reach.prompt if "prompt" in pulled else 0.0,
        output_reduction=reach.output if "output" in pulled else 0.0,
    )
    if "cache" in pulled and shorter.input_tokens >= reach.cache_minimum_tokens:
        read = max(reach.cache * reach.hit, shorter.cached_share)
        written = max(reach.cache - read, shorter.cache_write_share if read == shorter.cached_share else 0.0)
        shorter = replace(with_cache(shorter, cached_share=read), cache_write_share=max(0.0, min(written, 1.0 - read)))
    if "batch" in pulled:
        shorter = with_batch(shorter, batch_share=max(reach.batch, shorter.batch_share))
    return shorter


def hit_share(catalogue: Catalogue, calls_per_month: float) -> float:
    """Share of calls that find their prompt in the cache at this volume, spread evenly over the month."""
    minutes = catalogue.assume("hours_per_month") * MINUTES_PER_HOUR
    return float(cache_hit_share(calls_per_month / minutes, catalogue.assume("cache_minutes")))


def enumerate_plans(
    catalogue: Catalogue,
    workload: Workload,
    stay: Option,
    today: ListModel | None,
    candidates: Sequence[Candidate],
    levers: Sequence[Lever],
    reach: Strengths,
    tuning: TrainingPlan,
    tuned_reductions: tuple[float, float],
    horizon: Horizon,
    as_of: dt.date,
    terms: Terms,
) -> Plans:
    """
    Every set of levers on every candidate; nothing is left out beforehand.

    Parameters
    ----------
    stay : Option
        Today's choice without any lever; where today's model is not a listed one, only its own prices are used.
    candidates : sequence
        Today's model first.
    tuned_reductions : (float, float)
        Shares of input and output tokens that tuning itself saves.
    terms : Terms
        How GPUs are rented.
    """
    sets = 1 << len(levers)
    usd = np.full((sets, len(candidates), horizon.months), np.nan)
    upfront = np.full((sets, len(candidates)), np.nan)
    options: dict[tuple[int, int], Option] = {}
    for number in range(sets):
        pulled = [lever.key for bit, lever in enumerate(levers) if number >> bit & 1]
        load = levered(workload, pulled, reach)
        row: list[Option] = []
        places: list[int] = []
        for place, candidate in enumerate(candidates):
            option = _option(catalogue, candidate, stay, today, load, tuning, tuned_reductions, as_of, terms)
            if option is not None and option.is_known():
                row.append(option)
                places.append(place)
                options[number, place] = option
        kept = 1.0 - (reach.responses if "responses" in pulled else 0.0)
        billed = monthly_usd(row, replace(horizon, calls_per_month=horizon.calls_per_month * kept), horizon.months)
        lives = np.array([np.inf if option.life_months is None else option.life_months for option in row])
        served = alive(np.where([not candidates[place].tuned for place in places], np.inf, lives), horizon.months)
        usd[number, places] = served * billed + (1.0 - served) * billed[0]
        effort = sum(lever.effort_usd for bit, lever in enumerate(levers) if number >> bit & 1)
        upfront[number, places] = [
            effort + candidates[place].upfront_usd + option.at_least("once")
            for place, option in zip(places, row, strict=True)
        ]
    return Plans(tuple(levers), tuple(candidates), options, usd, upfront)


def _option(
    catalogue: Catalogue,
    candidate: Candidate,
    stay: Option,
    today: ListModel | None,
    load: Workload,
    tuning: TrainingPlan,
    tuned_reductions: tuple[float, float],
    as_of: dt.date,
    terms: Terms,
) -> Option | None:
    """One candidate with the calls as the levers leave them; None where it has no price."""
    tuned = load
    if candidate.tuned:
        tuned = with_fewer_tokens(load, input_reduction=tuned_reductions[0], output_reduction=tuned_reductions[1])
    if candidate.own is not None:
        own = own_option(catalogue, candidate.own, tuned, tuning, terms)
        return None if own.why_unavailable else own
    if candidate.offer is not None:
        name = today.id if today else None
        return from_offer(catalogue, candidate.offer, tuned, tuning, as_of, "new", None, name, None, terms)
    model = candidate.model or today
    if model is None:
        return stay
    try:
        option = model_option(catalogue, model, load, as_of, terms)
    except PriceNotFoundError:
        return None
    return None if option.why_unavailable and not option.lines else option
