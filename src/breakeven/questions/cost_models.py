"""Which listed models the cost question prices, and why it leaves out the others."""

from typing import TYPE_CHECKING

from breakeven.catalogue.families import has_open_weights
from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import ListModel
from breakeven.catalogue.query import NOT_TEXT, check_day, known_to_be_sold, model_retirement
from breakeven.errors import InputError, PriceNotFoundError, nearest

if TYPE_CHECKING:
    from breakeven.questions.cost import CostQuestion


def models_asked(question: "CostQuestion", catalogue: Catalogue) -> list[ListModel]:
    """The models that were named, or every listed one of the providers asked for, the user's own laid over them."""
    if question.models:
        return list({model.id: model for model in map(catalogue.prices.find, question.models)}.values())
    listed = {model.id: catalogue.prices.with_own(model) for model in catalogue.prices}
    listed |= {model.id: model for model in catalogue.prices.own.values()}
    if not question.provider:
        return list(listed.values())
    known = {model.provider for model in listed.values()}
    wanted = {each.lower() for each in question.provider}
    for each in sorted(wanted - known):
        raise InputError(f"No provider {each!r} in the price list.{nearest(each, known)}", "provider")
    return [model for model in listed.values() if model.provider in wanted]


def why_left_out(question: "CostQuestion", catalogue: Catalogue, model: ListModel) -> str | None:
    """Why a model that was not named is not priced, None where it is."""
    end = model_retirement(catalogue, model)
    if any(word in model.model for word in NOT_TEXT):
        return "not a model of text"
    if model.deprecated:
        return "deprecated in the price list"
    if end is not None and end.day <= question.as_of:
        return "retired by that day"
    if not any(rate.usd for entry in model.entries for rate in entry.rates.values()):
        return "listed at no price at all"
    try:
        check_day(catalogue, model, question.as_of)
    except PriceNotFoundError:
        return "without a price yet on that day"
    if question.sold == "checked" and not known_to_be_sold(catalogue, model):
        return "not checked to be sold still"
    if question.open_weights and not has_open_weights(catalogue, model.id):
        return "not known to have open weights"
    if question.context_tokens and model.context_tokens is None:
        return "context window not listed"
    if question.context_tokens and (model.context_tokens or 0) < question.context_tokens:
        return "context window too small"
    return None
