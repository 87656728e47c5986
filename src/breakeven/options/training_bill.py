"""What one training run on a file is billed at: the tokens a provider counts, its epochs, its price."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from breakeven.catalogue.families import conversion, exact_vocabulary, from_vocabulary
from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.records import Figure, Offer, Source, TrainingFileRules
from breakeven.options.hosted import MTOK

SHOWN_VOCABULARY = "o200k_base"
"""Vocabulary of counts that are converted to other models."""


class Band(NamedTuple):
    """A number with its bounds; they are equal to it where nothing was estimated."""

    value: float
    low: float
    high: float

    def times(self, other: "Band") -> "Band":
        """The product; both are zero or more."""
        return Band(self.value * other.value, self.low * other.low, self.high * other.high)

    def plus(self, other: "Band") -> "Band":
        """The sum."""
        return Band(self.value + other.value, self.low + other.low, self.high + other.high)


def exactly(value: float) -> Band:
    """A number that is known."""
    return Band(value, value, value)


class Texts(NamedTuple):
    """
    Tokens of the examples of a file in one vocabulary.

    text_tokens : of texts and of the JSON of tools. tool_tokens : of tools, as OpenAI counts them.
    lengths : (tokens, examples) by OpenAI's rule, tokens around messages included.
    """

    text_tokens: int
    tool_tokens: int
    lengths: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Material:
    """
    What is trained on.

    examples : of the file, None where not known. by_vocabulary : tokens counted in a file.
    tokens, counted_in : in place of a file: tokens of one pass, and the model they were counted for, None for any.
    """

    examples: int | None
    by_vocabulary: Mapping[str, Texts]
    tokens: float | None = None
    counted_in: str | None = None


class Pass(NamedTuple):
    """
    Tokens of one pass over a file, as a provider counts them.

    exact : whether they are counted by its own published rule and vocabulary. cut : examples longer than allowed.
    """

    tokens: Band
    exact: bool
    cut: int


@dataclass(frozen=True, slots=True)
class Terms:
    """
    How a run is set up, None where the provider's own default holds.

    max_tokens : longest example; longer ones are cut. packed : whether short examples share a row.
    """

    epochs: float | None = None
    evaluations: float | None = None
    max_tokens: int | None = None
    packed: bool = True


@dataclass(frozen=True, slots=True)
class Bill:
    """
    One run at one offer. [tokens, USD]

    ``billed``, ``usd`` are None where they cannot be known; ``unknowns`` then says why.
    """

    epochs: Band
    epochs_origin: str
    training: Pass | None
    validation_tokens: float
    billed: Band | None
    usd: Band | None
    usd_per_mtok: float | None
    minimum_usd: float | None
    minimum_applied: bool
    unknowns: tuple[str, ...]
    notes: tuple[str, ...]
    sources: tuple[Source, ...]


def training_bill(
    catalogue: Catalogue, offer: Offer, material: Material, validation: Material | None, terms: Terms
) -> Bill:
    """
    What a run costs at an offer: ``epochs * tokens + evaluations * validation tokens``, at its price, not less than its
    minimum charge.
    """
    rules = catalogue.training_files.get(offer.id.partition("/")[0])
    sources: list[Source] = []
    unknowns: list[str] = []
    notes: list[str] = []
    epochs, origin = epochs_of(catalogue, offer, rules, material.examples, terms, sources)
    limit = _limit(offer, terms, sources)
    one = one_pass(catalogue, names_of(offer), material, rules, limit)
    if one is not None and not terms.packed and rules is not None and rules.unpacked_rows_padded:
        one = _padded(material, limit, one, unknowns)
    if one is not None and one.cut:
        notes.append(f"{one.cut:,} examples are longer than {limit:,} tokens and are cut there")
    if rules is not None and rules.chat is not None:
        sources.append(rules.chat.source)
    elif material.by_vocabulary:
        notes.append("counted as text tokens; the provider's overhead is not published")
    held = _validation(catalogue, offer, rules, validation, terms, limit, notes, sources)
    billed = None if one is None else one.tokens.times(epochs).plus(held)
    usd, minimum, applied = _usd(offer, billed, unknowns, sources)
    price = offer.training.usd_per_mtok
    return Bill(
        epochs=epochs,
        epochs_origin=origin,
        training=one,
        validation_tokens=held.value,
        billed=billed,
        usd=usd,
        usd_per_mtok=None if price is None else float(price.value),
        minimum_usd=minimum,
        minimum_applied=applied,
        unknowns=tuple(unknowns),
        notes=tuple(notes),
        sources=tuple(sources),
    )


def epochs_of(
    catalogue: Catalogue,
    offer: Offer,
    rules: TrainingFileRules | None,
    examples: int | None,
    terms: Terms,
    sources: list[Source],
) -> tuple[Band, str]:
    """Passes over the file: those asked for, else the provider's default, else an assumption with its band."""
    if terms.epochs is not None:
        return exactly(terms.epochs), "yours"
    default = offer.training.default_epochs or (rules.default_epochs if rules else None)
    if default is not None:
        sources.append(default.source)
        return exactly(float(default.value)), f"default: {default.source.title}"
    if rules is not None and rules.epochs is not None and examples:
        sources.append(rules.epochs.source)
        return exactly(rules.epochs.epochs(examples)), f"default by {examples:,} examples: {rules.epochs.source.title}"
    assumed = catalogue.assumptions["training_epochs"]
    sources.append(assumed.source)
    return Band(float(assumed.value), float(assumed.low), float(assumed.high)), "assumed: no default is published"


def names_of(offer: Offer) -> tuple[str, ...]:
    """Names of the models that an offer tunes, for their tokenizers."""
    listed = (offer.list_model,) if offer.list_model else ()
    return listed or offer.answers_for or (offer.base_model,)


def one_pass(
    catalogue: Catalogue,
    names: tuple[str, ...],
    material: Material,
    rules: TrainingFileRules | None,
    limit: int | None,
) -> Pass | None:
    """
    Tokens of one pass, each example cut at ``limit``; None where none are known.

    By OpenAI's rule where the provider counts messages so. Otherwise texts alone are the value, and the tokens that
    rule adds around messages bound it above.
    """
    if material.tokens is not None:
        return _given(catalogue, names, material)
    exact = {exact_vocabulary(catalogue, name) for name in names}
    vocabulary = exact.pop() if len(exact) == 1 else None
    is_chat = rules is not None and rules.chat is not None
    texts = material.by_vocabulary.get(vocabulary or "")
    if texts is not None and is_chat:
        tokens, cut = _cut(texts.lengths, 1.0, limit)
        return Pass(exactly(tokens), not texts.tool_tokens, cut)
    texts = material.by_vocabulary.get(SHOWN_VOCABULARY)
    if texts is None:
        return None
    ratios = [from_vocabulary(catalogue, SHOWN_VOCABULARY, name) for name in names]
    whole = sum(tokens * examples for tokens, examples in texts.lengths)
    share = 1.0 if is_chat or not whole else texts.text_tokens / whole
    value, cut = _cut(texts.lengths, share * ratios[0].ratio, limit)
    low, _ = _cut(texts.lengths, min(share, 1.0) * min(each.low for each in ratios), limit)
    high, _ = _cut(texts.lengths, max(share, 1.0) * max(each.high for each in ratios), limit)
    return Pass(Band(value, low, high), False, cut)


def _given(catalogue: Catalogue, names: tuple[str, ...], material: Material) -> Pass:
    """Tokens that were given in place of a file."""
    tokens = material.tokens or 0.0
    if material.counted_in is None:
        return Pass(exactly(tokens), False, 0)
    ratios = [conversion(catalogue, material.counted_in, name) for name in names]
    band = Band(
        tokens * ratios[0].ratio, tokens * min(each.low for each in ratios), tokens * max(each.high for each in ratios)
    )
    return Pass(band, not any(each.estimated for each in ratios), 0)


def _cut(lengths: tuple[tuple[int, int], ...], ratio: float, limit: int | None) -> tuple[float, int]:
    """Tokens of all examples when each is ``ratio`` times as long and cut at a limit; and how many are cut."""
    most = math.inf if limit is None else limit
    total = sum(min(most, tokens * ratio) * examples for tokens, examples in lengths)
    return total, sum(examples for tokens, examples in lengths if tokens * ratio > most)


def _limit(offer: Offer, terms: Terms, sources: list[Source]) -> int | None:
    published = offer.training.max_tokens_per_example
    if published is not None:
        sources.append(published.source)
    limits = [terms.max_tokens, None if published is None else int(published.value)]
    return min((limit for limit in limits if limit is not None), default=None)


def _padded(material: Material, limit: int | None, one: Pass, unknowns: list[str]) -> Pass | None:
    """Without packing, every example is as long as the longest allowed."""
    if limit is None or material.examples is None:
        unknowns.append("without packing each example is billed at the longest length of the job; give --max-tokens")
        return None
    return Pass(exactly(limit * material.examples), True, one.cut)


def _validation(
    catalogue: Catalogue,
    offer: Offer,
    rules: TrainingFileRules | None,
    validation: Material | None,
    terms: Terms,
    limit: int | None,
    notes: list[str],
    sources: list[Source],
) -> Band:
    """Validation tokens that are billed, of all evaluations together."""
    if validation is None or not offer.training.validation_billed:
        return exactly(0.0)
    one = one_pass(catalogue, names_of(offer), validation, rules, limit)
    default = rules.default_evaluations if rules else None
    if terms.evaluations is not None:
        count = terms.evaluations
    elif default is not None:
        count = float(default.value)
        sources.append(default.source)
    else:
        count = 1.0
    if not count:
        notes.append("validation tokens are billed for each evaluation; by default there is none: give --evaluations")
    return exactly(0.0) if one is None else one.tokens.times(exactly(count))


def _usd(
    offer: Offer, billed: Band | None, unknowns: list[str], sources: list[Source]
) -> tuple[Band | None, float | None, bool]:
    """The bill, the minimum charge, and whether that is what is paid."""
    price, least = offer.training.usd_per_mtok, offer.training.minimum_usd
    minimum = None if least is None else float(least.value)
    if price is None:
        hourly = offer.training.usd_per_hour
        unknowns.append(
            "the price of training is not published"
            if hourly is None
            else f"training is billed by the hour, ${hourly.value} each; how many a file takes is not published"
        )
        return None, minimum, False
    sources += [figure.source for figure in (price, least) if figure is not None]
    if billed is None:
        return None, minimum, False
    usd = billed.times(_prices(price))
    if minimum is None or usd.value >= minimum:
        return Band(*(max(each, minimum or 0.0) for each in usd)), minimum, False
    return Band(*(max(each, minimum) for each in usd)), minimum, True


def _prices(figure: Figure) -> Band:
    """A price per 1M tokens as one per token."""
    value = float(figure.value)
    low = value if figure.low is None else float(figure.low)
    high = value if figure.high is None else float(figure.high)
    return Band(value / MTOK, low / MTOK, high / MTOK)
