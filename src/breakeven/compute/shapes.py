"""What training needs to know of a model: its size, and the shape that decides what goes on beside matrix products."""

import math
from typing import NamedTuple

from breakeven.catalogue.hardware import OpenModel
from breakeven.catalogue.load import Catalogue
from breakeven.errors import InputError

MOE_SHARE = 0.85
"""A model that uses a smaller share of its parameters per token is a mixture of experts."""


class Shape(NamedTuple):
    """
    Size and shape of a model. Parameters in billions.

    read_params_b : those outside the routed experts, which every GPU gathers.
    attention_width : heads times their size.
    experts_per_token : routed experts that a token visits in each layer; 0 for a dense model.
    vocabulary : entries of the output layer.
    """

    params_b: float
    active_params_b: float
    read_params_b: float
    layers: int
    hidden: int
    attention_width: int
    experts_per_token: int
    vocabulary: int

    @property
    def moe(self) -> bool:
        """Whether tokens are routed to experts."""
        return self.experts_per_token > 0


TYPICAL_VOCABULARY = 128_000
"""Where a model's vocabulary is not established; only memory depends on it."""


def shape_of(model: OpenModel) -> Shape:
    """
    The shape of a catalogue model.

    Raises
    ------
    InputError
        Layers or hidden size are not established.
    """
    if model.layers is None or model.hidden is None:
        raise InputError(f"the shape of {model.id} is not known (layers, hidden); give a model of known shape", "model")
    heads = (model.heads or 0) * (model.head_dim or 0)
    return Shape(
        params_b=model.params_b,
        active_params_b=model.active_params_b,
        read_params_b=(model.dense_params_b or model.active_params_b) if model.experts else model.params_b,
        layers=model.layers,
        hidden=model.hidden,
        attention_width=model.attention_width or heads or model.hidden,
        experts_per_token=model.experts_per_token or 0,
        vocabulary=model.vocabulary or TYPICAL_VOCABULARY,
    )


def shape_like(params_b: float, active_params_b: float, catalogue: Catalogue) -> tuple[Shape, str]:
    """
    The shape of the catalogue model nearest in size, at the size given, and that model's id.

    Nearest is by the logarithms of both sizes, among models that are a mixture of experts if this one is.
    """
    moe = active_params_b < MOE_SHARE * params_b

    def distance(model: OpenModel) -> float:
        return abs(math.log(model.params_b / params_b)) + abs(math.log(model.active_params_b / active_params_b))

    known = [each for each in catalogue.open_models.values() if each.layers and each.hidden and each.heads]
    like = min((each for each in known if (each.experts is not None) == moe), key=distance)
    shape = shape_of(like)
    read = shape.read_params_b * active_params_b / shape.active_params_b if moe else params_b
    return shape._replace(params_b=params_b, active_params_b=active_params_b, read_params_b=read), like.id
