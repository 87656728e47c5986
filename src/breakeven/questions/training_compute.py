"""The same run on GPUs of one's own."""

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.records import Source
from breakeven.errors import InputError, nearest
from breakeven.questions.statement import part
from breakeven.questions.training_fields import TrainingQuestion


@part
class ComputeRow:
    """
    One way to train on GPUs of one's own: hours and rent of the run, with their bands. [h, USD]

    method : lora, qlora or full. label : says that hours are estimated, and from what.
    """

    gpu: str
    gpus: int
    method: str
    hours: float | None
    hours_low: float | None
    hours_high: float | None
    usd: float | None
    usd_low: float | None
    usd_high: float | None
    label: str
    why_not: str | None


def compute_rows(
    question: TrainingQuestion, catalogue: Catalogue
) -> tuple[list[ComputeRow], list[tuple[str, Source]], list[str]]:
    """
    Every way that fits, the cheapest first; the sources, and what is not known.

    Raises InputError for a base model that is not among the open-weights models of the catalogue.
    """
    if question.base_model is None:
        return [], [], []
    wanted = question.base_model.lower()
    if wanted not in catalogue.open_models:
        close = nearest(wanted, catalogue.open_models)
        raise InputError(f"No open-weights model {question.base_model!r} in the catalogue.{close}", "base_model")
    return [], [], ["hours on GPUs of your own are not predicted yet"]
