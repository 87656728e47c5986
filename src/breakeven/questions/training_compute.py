"""The same run on GPUs of one's own: hours and rent of each kind of GPU and method."""

from typing import NamedTuple

from breakeven.catalogue.hardware import OpenModel
from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.records import Source
from breakeven.compute.training_layouts import Choice, TrainingLayout, layouts
from breakeven.compute.tuning import METHODS
from breakeven.errors import InputError, nearest
from breakeven.options.training_bill import Band, exactly, one_pass
from breakeven.questions.statement import part
from breakeven.questions.training_fields import TrainingQuestion
from breakeven.questions.training_offers import material_of

SHORTEST, LONGEST = 512, 8192
"""Sequence lengths that are chosen by themselves: the power of two that holds the longest example. [tokens]"""

USUAL = 2048
"""Where no example's length is known. [tokens]"""


@part
class ComputeRow:
    """
    One way to train on GPUs of one's own: hours and rent of the run, with their bands. [h, USD]

    gpus : how many are rented, null where it does not fit; why_not then says why. method : lora, qlora or full.
    memory_gb : of all of them together. label : estimated, as no run of this size was measured.
    """

    gpu: str
    gpus: int | None
    method: str
    hours: float | None
    hours_low: float | None
    hours_high: float | None
    usd: float | None
    usd_low: float | None
    usd_high: float | None
    memory_gb: float | None
    label: str
    note: str
    why_not: str | None


class Compute(NamedTuple):
    """Every way, the cheapest first; the sources, and what is not known."""

    rows: list[ComputeRow]
    uses: list[tuple[str, Source]]
    unknowns: list[str]


def compute_rows(question: TrainingQuestion, catalogue: Catalogue) -> Compute:
    """
    Every kind of GPU and method for the base model, the cheapest that fits first; none where none was asked for.

    Raises InputError for a base model or a GPU that the catalogue does not know, and for a model of unknown shape.
    """
    if question.base_model is None:
        return Compute([], [], [])
    model = _model(question.base_model, catalogue)
    material = material_of(question)
    one = one_pass(catalogue, (model.id,), material, None, question.max_tokens)
    if one is None or one.tokens.value <= 0:
        return Compute([], [], ["without a count of tokens, hours on GPUs of your own are not known"])
    epochs = _epochs(question, catalogue)
    tokens = one.tokens.times(epochs)
    unpacked = None if question.packed or not material.examples else one.tokens.value / material.examples
    choice = Choice(
        gpus=tuple(each.lower() for each in question.gpus),
        methods=tuple(each for each in METHODS if not question.methods or each in question.methods),
        sequence_tokens=float(question.max_tokens or _sequence_tokens(question)),
        example_tokens=unpacked,
        packed=question.packed,
    )
    ways = layouts(model, tokens.value, catalogue, choice)
    band = Band(1.0, tokens.low / tokens.value, tokens.high / tokens.value)
    uses = [("compute", source) for way in ways if way.hours is not None for source in way.sources]
    assumed = "" if question.epochs is not None else f", {epochs.value:g} epochs assumed"
    words = f"hours are estimated for {tokens.value:,.0f} tokens of {model.id} at length {choice.sequence_tokens:,.0f}"
    return Compute([_row(way, band) for way in ways], uses, [words + assumed])


def _model(wanted: str, catalogue: Catalogue) -> OpenModel:
    """An open-weights model by its id, its repository or another of its names."""
    name = wanted.lower()
    for model in catalogue.open_models.values():
        repository = model.repository.lower()
        if name in (model.id, repository, repository.rpartition("/")[2], *model.also):
            return model
    close = nearest(name, catalogue.open_models)
    raise InputError(f"No open-weights model {wanted!r} in the catalogue.{close}", "base_model")


def _epochs(question: TrainingQuestion, catalogue: Catalogue) -> Band:
    if question.epochs is not None:
        return exactly(question.epochs)
    assumed = catalogue.assumptions["training_epochs"]
    return exactly(float(assumed.value))


def _sequence_tokens(question: TrainingQuestion) -> int:
    """Length to which examples are packed: the power of two that holds the longest, within limits."""
    file = question.training_file
    longest = max((length for each in (file.counts if file else ()) for length, _ in each.lengths), default=0)
    if not longest:
        return USUAL
    return int(min(LONGEST, max(SHORTEST, 1 << (int(longest) - 1).bit_length())))


def _row(way: TrainingLayout, band: Band) -> ComputeRow:
    hours, usd = way.hours, way.usd
    return ComputeRow(
        gpu=way.gpu.id,
        gpus=way.gpus,
        method=way.method,
        hours=None if hours is None else hours.middle,
        hours_low=None if hours is None else hours.low * band.low,
        hours_high=None if hours is None else hours.high * band.high,
        usd=None if usd is None else usd.middle,
        usd_low=None if usd is None else usd.low * band.low,
        usd_high=None if usd is None else usd.high * band.high,
        memory_gb=way.memory_gb,
        label=way.label,
        note=way.note,
        why_not=way.why_not or None,
    )
