"""Whatever serves calls untuned, by name: a listed model per token, or an open-weights model on rented GPUs."""

import datetime as dt

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import ListModel
from breakeven.catalogue.query import OWN
from breakeven.options.hosted import listed_option
from breakeven.options.lines import Option, Workload
from breakeven.options.own import served_option
from breakeven.options.selfhost import Terms, find_open_model


def find_model(catalogue: Catalogue, name: str, field_name: str = "model") -> ListModel:
    """
    A model by the name a user gives it: ``own/llama-3.1-8b`` is one on rented GPUs, any other a listed one.

    A model on rented GPUs has no list price; ``model_option`` knows. Raises UnknownModelError or InputError.
    """
    if not name.lower().startswith(f"{OWN}/"):
        return catalogue.prices.find(name)
    found = catalogue.open_models[find_open_model(catalogue, name[len(OWN) + 1 :], field_name)]
    return ListModel(OWN, found.id, f"{found.id} on your own GPUs", entries=(), context_tokens=found.context_tokens)


def model_option(
    catalogue: Catalogue, model: ListModel, workload: Workload, as_of: dt.date, terms: Terms | None = None
) -> Option:
    """
    A model of ``find_model`` serving calls.

    ``terms`` are those of rented GPUs, as assumed if not given. Raises PriceNotFoundError as ``listed_option``.
    """
    if model.provider == OWN:
        return served_option(catalogue, model.model, workload, terms)
    return listed_option(catalogue, model, workload, as_of)
