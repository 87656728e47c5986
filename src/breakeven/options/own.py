"""A tuned open-weights model on GPUs of one's own: trained and served in the cheapest layouts that can."""

from functools import lru_cache

from breakeven.catalogue.load import Catalogue
from breakeven.compute.serving import unknown_shape
from breakeven.compute.training_layouts import Choice, TrainingLayout, layouts
from breakeven.errors import InputError
from breakeven.options.hosting import yours
from breakeven.options.lines import CostLine, Option, Workload
from breakeven.options.selfhost import Terms, deployments, hosting_line, machines, why_none
from breakeven.options.tuned import OTHER_BASE, TrainingPlan, training_lines

MTOK = 1_000_000


@lru_cache(maxsize=64)
def own_bases(catalogue: Catalogue) -> tuple[str, ...]:
    """Models to look at where none is named: those that sellers of GPU hours are counted with."""
    offers = catalogue.offers.values()
    counted = {offer.open_model for offer in offers if offer.hosting.gpus and offer.open_model}
    return tuple(sorted(each for each in counted if unknown_shape(catalogue.open_models[each]) is None))


def own_option(catalogue: Catalogue, model_id: str, workload: Workload, plan: TrainingPlan, terms: Terms) -> Option:
    """
    A model of ``open_models.yaml`` tuned and served on rented GPUs.

    Served in the cheapest layout that carries the load of the first month; more calls rent further replicas. Trained
    as LoRA where the plan states neither a bill nor a price. Where no layout can, the option says why.
    """
    model = catalogue.open_models[model_id]
    label = f"{model_id} tuned, on your own GPUs"
    run, unknown = _training_run(catalogue, model_id, plan)
    once, retrain, _, unknowns = training_lines(None, plan, run)
    trained = [catalogue.compute.training.source] if run else []
    best = next(iter(deployments(catalogue, model_id, workload, terms, most=1)), None)
    bill = plan.hosting_usd_month
    option = Option(
        id=f"own/{model_id}",
        label=label,
        kind="tuned_own",
        lines=once if bill is None else (yours(bill), *once),
        retrain_usd=retrain,
        unknowns=(*unknown, *unknowns),
        caution=OTHER_BASE,
        sources=(model.source, *trained),
        why_unavailable=None if best or bill is not None else why_none(catalogue, model_id, workload, terms),
    )
    if best is None or bill is not None:
        return option
    line, notes, sources = hosting_line(catalogue, best, workload, terms)
    return Option(
        id=option.id,
        label=f"{label}: {machines(best)}",
        kind=option.kind,
        lines=(line, *once),
        fleet=best.fleet,
        retrain_usd=retrain,
        unknowns=("the work of running your own servers is counted as 0; give it as --people-usd", *option.unknowns),
        notes=(*notes, f"licence: {model.licence}"),
        caution=OTHER_BASE,
        sources=(*sources, *option.sources),
    )


def _training_run(catalogue: Catalogue, model_id: str, plan: TrainingPlan) -> tuple[CostLine | None, tuple[str, ...]]:
    """One training run in the cheapest way to do it, None where none is known, and what is not known."""
    tokens = plan.training_tokens * plan.epochs
    if plan.training_usd is not None or plan.training_price_usd_mtok is not None or not tokens:
        return None, ()
    way = _cheapest_way(catalogue, model_id)
    if way is None or way.usd is None or way.hours is None or way.gpus is None or way.gpu.usd_per_hour is None:
        return None, (f"no GPU with a known price can train {model_id}",)
    price = float(way.gpu.usd_per_hour.value)
    low, high = plan.token_band
    return (
        CostLine(
            name=f"Training as LoRA, {way.gpus} x {way.gpu.name}",
            quantity=way.hours.middle * way.gpus * tokens / MTOK,
            unit="GPU-hour",
            usd_per_unit=price,
            when="once",
            part="training",
            source=way.gpu.usd_per_hour.words,
            low=low * way.usd.low / way.usd.middle,
            high=high * way.usd.high / way.usd.middle,
        ),
        (),
    )


@lru_cache(maxsize=256)
def _cheapest_way(catalogue: Catalogue, model_id: str) -> TrainingLayout | None:
    """The cheapest way to train on 1M tokens; time and cost are in proportion to the tokens."""
    try:
        found = layouts(catalogue.open_models[model_id], MTOK, catalogue, Choice(methods=("lora",)))
    except InputError:
        return None
    return found[0] if found and found[0].usd is not None else None
