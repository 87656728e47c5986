"""The question "what does training on this file cost, and what is wrong with it?": its answer."""

import dataclasses
from collections.abc import Iterable
from typing import Literal

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.query import check_any_price
from breakeven.questions.kind import Kind
from breakeven.questions.statement import Cited, cite, part
from breakeven.questions.tables import Table, echo, origins_of, price_list
from breakeven.questions.training_built import BuildReport, build_report, build_tables
from breakeven.questions.training_compute import ComputeRow, compute_rows
from breakeven.questions.training_fields import TrainingFile, TrainingQuestion
from breakeven.questions.training_offers import Lead, OfferBill, bills, lead
from breakeven.questions.training_report import FileReport, LeakReport, Lines, leak_report, lines_of, report
from breakeven.questions.training_tables import tables_of
from breakeven.questions.words import usd


@part
class TrainingAnswer:
    """
    What a training file costs, and what is in it.

    lines : which of its lines can be trained on. file, validation, leaks : what was found in the files, null without.
    built : how the file was made of a log, null where it was not.
    billed_tokens, epochs : those of ``billed_as``: the offer asked for, else the first for the model asked for, else
        OpenAI's published rule, whether or not OpenAI sells. ``counted`` says whether they are exact.
    offers : every offer asked about, those that can be ordered first and cheapest first. compute : own GPUs.
    """

    schema: Literal["breakeven/training/1"] = "breakeven/training/1"
    question: dict[str, object]
    origins: dict[str, str]
    headline: str
    lines: Lines
    billed_tokens: float | None
    billed_tokens_low: float | None
    billed_tokens_high: float | None
    epochs: float
    epochs_low: float
    epochs_high: float
    billed_as: str
    counted: str
    file: FileReport | None
    validation: FileReport | None
    leaks: LeakReport | None
    built: BuildReport | None
    offers: list[OfferBill]
    compute: list[ComputeRow]
    unknowns: list[str]
    sources: list[Cited]
    prices: dict[str, str | None]

    def to_dict(self) -> dict[str, object]:
        """The answer as the JSON document of schema ``breakeven/training/1``."""
        return dataclasses.asdict(self)

    def tables(self) -> list[Table]:
        """Offers and GPUs, then what was found in the file."""
        return [*build_tables(self.built), *tables_of(self)]


def answer(question: TrainingQuestion, catalogue: Catalogue, origins: dict[str, str] | None = None) -> TrainingAnswer:
    """
    Answer the question with one catalogue. Pure: no clock, no file, no network.

    Raises
    ------
    InputError
        A model, an offer or an open-weights model that the catalogue does not know, or a day before any price.
    """
    check_any_price(catalogue, question.as_of)
    found = bills(question, catalogue)
    leading = lead(question, catalogue, found.offers)
    compute, uses, unknowns = compute_rows(question, catalogue)
    file = question.training_file
    return TrainingAnswer(
        question=echo(question) | dict.fromkeys(question.hidden),
        origins=origins_of(question, origins or {}),
        headline=_headline(question, leading, found.offers, compute),
        lines=lines_of(question),
        billed_tokens=None if leading.billed is None else leading.billed.value,
        billed_tokens_low=None if leading.billed is None else leading.billed.low,
        billed_tokens_high=None if leading.billed is None else leading.billed.high,
        epochs=leading.epochs.value,
        epochs_low=leading.epochs.low,
        epochs_high=leading.epochs.high,
        billed_as=leading.billed_as,
        counted=leading.counted,
        file=None if file is None else report(file),
        validation=None if question.validation_file is None else report(question.validation_file),
        leaks=leak_report(question.leaks),
        built=build_report(question.built),
        offers=found.offers,
        compute=compute,
        unknowns=list(dict.fromkeys([*_unknowns(question, file), *unknowns])),
        sources=cite([*found.uses, *uses]),
        prices=price_list(catalogue, question.as_of),
    )


def _headline(question: TrainingQuestion, leading: Lead, offers: Iterable[OfferBill], compute: list[ComputeRow]) -> str:
    """The file, its tokens and the cheapest way to train on it, in a few sentences."""
    file = question.training_file
    said = []
    if file is not None:
        said.append(f"{file.valid:,} of {file.lines:,} lines of {file.name} can be trained on.")
    if leading.billed is not None and leading.billed.value:
        epochs = f"{leading.epochs.value:g} {'epoch' if leading.epochs.value == 1 else 'epochs'}"
        about = "" if leading.counted == "exact" else "About "
        by = f"by {leading.billed_as}" if leading.billed_as.startswith("OpenAI") else f"at {leading.billed_as}"
        said.append(f"{about}{leading.billed.value:,.0f} tokens are billed in {epochs} {by}.")
    priced = [row for row in offers if row.available and row.usd is not None]
    if priced:
        best = priced[0]
        band = "" if best.usd_low == best.usd_high else f" ({usd(best.usd_low or 0)} to {usd(best.usd_high or 0)})"
        count = "the one open offer with a price" if len(priced) == 1 else f"the cheapest of {len(priced)} open offers"
        said.append(f"{best.label[:1].upper()}{best.label[1:]} is {count}: {usd(best.usd or 0)}{band} a run.")
    elif leading.billed is not None and leading.billed.value:
        said.append("No offer that is open to you has a price for it.")
    fits = [row for row in compute if row.usd is not None]
    if fits:
        best_own = min(fits, key=lambda row: row.usd or 0.0)
        ends = f"{usd(best_own.usd_low or 0)} to {usd(best_own.usd_high or 0)}"
        place = f"On {best_own.gpus} x {best_own.gpu} of your own"
        said.append(f"{place}, {best_own.method} costs {usd(best_own.usd or 0)} ({ends}).")
    return " ".join(said)


def _unknowns(question: TrainingQuestion, file: TrainingFile | None) -> list[str]:
    """What the reader should know is not known."""
    found = []
    if file is None:
        if question.counted_in is None:
            found.append("tokens are taken as every provider's own count; name the model they were counted for")
        return found
    if not file.counts:
        found.append("tokens were not counted: install breakeven[tokens]")
    found += [f"{each.what} in {each.count:,} examples are billed but not counted" for each in file.left_out]
    if any(each.tool_tokens for each in file.counts):
        found.append(
            "definitions of tools are counted by OpenAI's rule for prompts; how training counts them is not published"
        )
    if file.form == "preference":
        found.append("how pairs of answers are billed is not published: prompt and both answers are counted once")
    return found


KIND = Kind(
    name="training",
    title="What does training on this file cost, and what is wrong with it?",
    short="Training file",
    question=TrainingQuestion,
    document=TrainingAnswer,
    answer=answer,
)
