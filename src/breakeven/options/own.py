"""A tuned open-weights model on GPUs of one's own: trained and served in the cheapest layouts that can."""

from collections import Counter
from dataclasses import replace
from functools import lru_cache

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.query import OWN
from breakeven.compute.serving import unknown_shape
from breakeven.compute.training_layouts import Choice, TrainingLayout, layouts, start_hours
from breakeven.errors import InputError
from breakeven.options.hosting import yours
from breakeven.options.lines import CostLine, Option, Workload
from breakeven.options.selfhost import Terms, deployments, hosting_line, machines, usual_terms, why_none
from breakeven.options.tuned import OTHER_BASE, TrainingPlan, training_lines

MTOK = 1_000_000

NO_WORK_COUNTED = "the work of running your own servers is counted as 0; give it as --people-usd"


@lru_cache(maxsize=64)
def own_bases(catalogue: Catalogue) -> tuple[str, ...]:
    """Models to look at where none is named: those that two sellers of GPU hours or more are counted with."""
    counted = Counter(each.open_model for each in catalogue.offers.values() if each.hosting.gpus and each.open_model)
    return tuple(
        model
        for model, sellers in sorted(counted.items())
        if sellers > 1 and unknown_shape(catalogue.open_models[model]) is None
    )


def served_option(catalogue: Catalogue, model_id: str, workload: Workload, terms: Terms | None = None) -> Option:
    """
    A model of ``open_models.yaml`` as it is, served on rented GPUs.

    In the cheapest layout that carries the load of the first month; more calls rent further replicas. Where no layout
    can, the option says why.
    """
    terms = terms or usual_terms(catalogue)
    model = catalogue.open_models[model_id]
    label = f"{model_id} on your own GPUs"
    best = next(iter(deployments(catalogue, model_id, workload, terms, most=1)), None)
    if best is None:
        return Option(
            id=f"{OWN}/{model_id}",
            label=label,
            kind="own",
            lines=(),
            why_unavailable=why_none(catalogue, model_id, workload, terms),
            sources=(model.source,),
        )
    line, notes, sources = hosting_line(catalogue, best, workload, terms)
    return Option(
        id=f"{OWN}/{model_id}",
        label=f"{label}: {machines(best)}",
        kind="own",
        lines=(line,),
        fleet=best.fleet,
        unknowns=(NO_WORK_COUNTED,),
        notes=(*notes, f"licence: {model.licence}"),
        sources=(*sources, model.source),
    )


def own_option(catalogue: Catalogue, model_id: str, workload: Workload, plan: TrainingPlan, terms: Terms) -> Option:
    """
    A model of ``open_models.yaml`` tuned and served on rented GPUs, see ``served_option``.

    It is trained as LoRA where the plan states neither a bill nor a price.
    """
    run, unknown = _training_run(catalogue, model_id, plan)
    once, retrain, _, unknowns = training_lines(None, plan, run)
    served = served_option(catalogue, model_id, workload, terms)
    bill = plan.hosting_usd_month
    if bill is not None:
        served = replace(served, lines=(yours(bill),), fleet=None, notes=(), unknowns=(), why_unavailable=None)
    trained = (catalogue.compute.training.source,) if run and catalogue.compute.training else ()
    return replace(
        served,
        label=served.label.replace(f"{model_id} on", f"{model_id} tuned, on"),
        kind="tuned_own",
        lines=(*served.lines, *once),
        retrain_usd=retrain,
        unknowns=(*served.unknowns, *unknown, *unknowns),
        caution=OTHER_BASE,
        sources=(*served.sources, *trained),
    )


def _training_run(catalogue: Catalogue, model_id: str, plan: TrainingPlan) -> tuple[CostLine | None, tuple[str, ...]]:
    """One training run in the cheapest way to do it, None where none is known, and what is not known."""
    tokens = plan.training_tokens * plan.epochs
    if plan.training_usd is not None or plan.training_price_usd_mtok is not None or not tokens:
        return None, ()
    way = _cheapest_way(catalogue, model_id)
    if way is None or way.usd is None or way.hours is None or way.gpus is None or way.gpu.usd_per_hour is None:
        return None, (f"no GPU with a known price can train {model_id}",)
    price = way.gpu.usd_per_hour
    cheap, dear = price.band
    low, high = plan.token_band
    # Of the hours for 1M tokens the start of the machine stays, the rest is in proportion to the tokens.
    ends = zip(way.hours, start_hours(catalogue), (low, 1.0, high), strict=True)
    hours = [begin + (whole - begin) * tokens / MTOK * share for whole, begin, share in ends]
    return (
        CostLine(
            name=f"Training as LoRA, {way.gpus} x {way.gpu.name}",
            quantity=hours[1] * way.gpus,
            unit="GPU-hour",
            usd_per_unit=float(price.value),
            when="once",
            part="training",
            source=price.words,
            low=cheap * hours[0] / hours[1],
            high=dear * hours[2] / hours[1],
        ),
        (),
    )


@lru_cache(maxsize=256)
def _cheapest_way(catalogue: Catalogue, model_id: str) -> TrainingLayout | None:
    """The cheapest way to train on 1M tokens."""
    try:
        found = layouts(catalogue.open_models[model_id], MTOK, catalogue, Choice(methods=("lora",)))
    except InputError:
        return None
    return found[0] if found and found[0].usd is not None else None
