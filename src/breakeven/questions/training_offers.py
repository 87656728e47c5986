"""A training file's bill at every offer, and how much of it is open to this buyer."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.query import find_offer, offers_for_model, why_unavailable
from breakeven.catalogue.records import Offer, Source
from breakeven.errors import InputError, nearest
from breakeven.options.training_bill import (
    SHOWN_VOCABULARY,
    Band,
    Bill,
    Material,
    Terms,
    Texts,
    epochs_of,
    one_pass,
    training_bill,
)
from breakeven.questions.statement import part
from breakeven.questions.training_fields import TrainingFile, TrainingQuestion

OPENAI_RULE = "OpenAI's rule"


@part
class OfferBill:
    """
    One run at one offer. [tokens, USD]

    available : whether this buyer can order on the day; why_not : why not, also where the file is too small.
    training_tokens : of one pass. counted : exact where the provider's own rule and vocabulary were used.
    billed_tokens : epochs times those of a pass, and validation where it is billed; low and high bound it.
    usd : null where the price is not published. minimum_applied : whether it is the minimum charge.
    cut_examples : examples longer than the provider, or you, allow.
    convert_to : forms that the provider takes where the file's is none of them, [] where it takes it or nobody knows.
    """

    id: str
    label: str
    available: bool
    why_not: str | None
    epochs: float
    epochs_origin: str
    training_tokens: float | None
    validation_tokens: float
    billed_tokens: float | None
    billed_tokens_low: float | None
    billed_tokens_high: float | None
    counted: str
    usd_per_mtok: float | None
    usd: float | None
    usd_low: float | None
    usd_high: float | None
    minimum_usd: float | None
    minimum_applied: bool
    cut_examples: int
    convert_to: list[str]
    notes: list[str]
    unknowns: list[str]


class Bills(NamedTuple):
    """Offers in order, and the sources of those that can be ordered."""

    offers: list[OfferBill]
    uses: list[tuple[str, Source]]


class Lead(NamedTuple):
    """What the answer's own ``billed_tokens`` and ``epochs`` mean: ``billed_as``, an offer or a rule."""

    billed_as: str
    billed: Band | None
    epochs: Band
    counted: str


def material_of(question: TrainingQuestion) -> Material:
    """What is trained on: the file's counts, or the numbers given in its place."""
    if question.training_file is not None:
        return _counted(question.training_file)
    return Material(question.examples, {}, question.training_tokens, question.counted_in)


def held_of(question: TrainingQuestion) -> Material | None:
    """The validation file in the same way, None without one."""
    if question.validation_file is not None:
        return _counted(question.validation_file)
    if question.validation_tokens is None:
        return None
    return Material(None, {}, question.validation_tokens, question.counted_in)


def terms_of(question: TrainingQuestion) -> Terms:
    """How the run is set up."""
    return Terms(question.epochs, question.evaluations, question.max_tokens, question.packed)


def bills(question: TrainingQuestion, catalogue: Catalogue) -> Bills:
    """
    Every offer that is asked about: those that can be ordered first, the cheapest first.

    Raises InputError for a model that no offer is about, and for an offer that the catalogue does not have.
    """
    material, held, terms = material_of(question), held_of(question), terms_of(question)
    found: list[OfferBill] = []
    uses: list[tuple[str, Source]] = []
    for offer in _asked(question, catalogue):
        bill = training_bill(catalogue, offer, material, held, terms)
        row = _row(question, catalogue, offer, bill, material.examples)
        found.append(row)
        if row.available:
            window = offer.sold_to.get(question.buyer)
            uses += [(offer.id, source) for source in (*([window.source] if window else []), *bill.sources)]
    found.sort(key=lambda row: (not row.available, row.usd is None, row.usd or 0.0, row.id))
    return Bills(found, uses)


def lead(question: TrainingQuestion, catalogue: Catalogue, offers: Sequence[OfferBill]) -> Lead:
    """
    The bill that leads: the offer that was asked for, else the first for the model that was asked for, else what
    OpenAI's published rule counts, whether or not OpenAI sells.
    """
    asked = question.offer.lower() if question.offer else None
    chosen = next((row for row in offers if row.id == asked), None)
    if chosen is None and question.model is not None:
        chosen = offers[0]
    if chosen is not None:
        billed = None
        if chosen.billed_tokens is not None:
            billed = Band(chosen.billed_tokens, chosen.billed_tokens_low or 0.0, chosen.billed_tokens_high or 0.0)
        epochs = Band(chosen.epochs, chosen.epochs, chosen.epochs)
        return Lead(chosen.id, billed, epochs, chosen.counted)
    rules = catalogue.training_files["openai"]
    offer = next(each for each in catalogue.offers.values() if each.id == "openai/gpt-4o-2024-08-06")
    material, terms = material_of(question), terms_of(question)
    one = one_pass(catalogue, ("gpt-4o",), material, rules, question.max_tokens)
    epochs, _ = epochs_of(catalogue, offer, rules, material.examples, terms, [])
    counted = "estimated" if one is None or not one.exact else "exact"
    return Lead(OPENAI_RULE, None if one is None else one.tokens.times(epochs), epochs, counted)


def _asked(question: TrainingQuestion, catalogue: Catalogue) -> list[Offer]:
    """The offers to be priced; those that cannot be tuned only where their model is asked for."""
    chosen = [find_offer(catalogue, question.offer)] if question.offer else []
    if question.model is not None:
        offers = offers_for_model(catalogue, question.model)
        if not offers:
            names = {name for offer in catalogue.offers.values() for name in offer.answers_for}
            close = nearest(question.model, names)
            raise InputError(f"No fine-tuning offer is about {question.model!r}.{close} See: breakeven offers", "model")
        return [*chosen, *(offer for offer in offers if offer not in chosen)]
    return [offer for offer in catalogue.offers.values() if offer.kind != "none" or offer in chosen]


def _row(question: TrainingQuestion, catalogue: Catalogue, offer: Offer, bill: Bill, examples: int | None) -> OfferBill:
    closed = why_unavailable(offer, question.as_of, question.buyer)
    rules = catalogue.training_files.get(offer.id.partition("/")[0])
    why_not, notes = closed, list(bill.notes)
    least = rules.minimum_examples if rules else None
    if why_not is None and examples == 0:
        why_not = "no line of the file can be trained on"
    elif why_not is None and least is not None and examples is not None and examples < least.value:
        why_not = f"needs at least {least.value} examples; the file has {examples} that are valid"
    form = question.training_file.form if question.training_file is not None else ""
    forms = offer.training.forms or (rules.forms if rules else ())
    wrong_form = bool(form and forms and form not in forms)
    if form and not forms:
        notes.append("which forms of file it takes was not established")
    elif wrong_form:
        notes.append(f"takes files of form {', '.join(forms)}, not {form}: convert it")
    billed, usd, one = bill.billed, bill.usd, bill.training
    return OfferBill(
        id=offer.id,
        label=offer.label,
        available=why_not is None,
        why_not=why_not,
        epochs=bill.epochs.value,
        epochs_origin=bill.epochs_origin,
        training_tokens=None if one is None else one.tokens.value,
        validation_tokens=bill.validation_tokens,
        billed_tokens=None if billed is None else billed.value,
        billed_tokens_low=None if billed is None else billed.low,
        billed_tokens_high=None if billed is None else billed.high,
        counted="exact" if one is not None and one.exact and bill.epochs.low == bill.epochs.high else "estimated",
        usd_per_mtok=bill.usd_per_mtok,
        usd=None if usd is None else usd.value,
        usd_low=None if usd is None else usd.low,
        usd_high=None if usd is None else usd.high,
        minimum_usd=bill.minimum_usd,
        minimum_applied=bill.minimum_applied,
        cut_examples=0 if one is None else one.cut,
        convert_to=list(forms) if wrong_form else [],
        notes=notes,
        unknowns=list(bill.unknowns),
    )


def _counted(file: TrainingFile) -> Material:
    by_vocabulary: Mapping[str, Texts] = {
        each.vocabulary: Texts(each.text_tokens + each.schema_tokens, each.tool_tokens, each.lengths)
        for each in file.counts
    }
    return Material(file.valid, by_vocabulary)


def vocabulary_of(file: TrainingFile) -> str:
    """The vocabulary in which a file's lengths are shown, "" where its tokens were not counted."""
    names = [each.vocabulary for each in file.counts]
    return SHOWN_VOCABULARY if SHOWN_VOCABULARY in names else (names[0] if names else "")
