"""What is known of a model by its family: which tokenizer it counts with, and whether its weights are open."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.records import TokenizerFamily


class Conversion(NamedTuple):
    """
    Tokens of one model per token of another, for the same text.

    low, high : band; equal to ``ratio`` where both vocabularies are known and the mix of texts is that of the source.
    """

    ratio: float
    low: float
    high: float
    estimated: bool


@lru_cache(maxsize=8192)
def tokenizer_of(catalogue: Catalogue, model: str) -> TokenizerFamily:
    """The tokenizer family of a model's name, ``provider/model`` or without the provider."""
    return next(family for family in catalogue.tokenizers if not family.begins or begins(model, family.begins))


@lru_cache(maxsize=8192)
def has_open_weights(catalogue: Catalogue, model: str) -> bool | None:
    """Whether a model's weights can be downloaded: True where its family is on record, None where nothing is known."""
    return True if any(begins(model, family.begins) for family in catalogue.open_weights) else None


def conversion(catalogue: Catalogue, counted_in: str, model: str) -> Conversion:
    """
    How counts in one model's tokens become another's.

    The ratio of the two families' counts of one corpus, so it is exact for a vocabulary on itself only; other texts
    differ by a few per cent, by more in other languages.
    """
    return between(tokenizer_of(catalogue, counted_in), tokenizer_of(catalogue, model), catalogue.tokenizers[-1].name)


def from_vocabulary(catalogue: Catalogue, vocabulary: str, model: str) -> Conversion:
    """How counts in a published vocabulary become a model's, 1 where it is the model's own."""
    families = [each for each in catalogue.tokenizers if each.vocabulary == vocabulary]
    one = min(families, key=lambda each: each.estimated)
    other = tokenizer_of(catalogue, model)
    if other.vocabulary == vocabulary:
        return Conversion(1.0, float(other.low or 1), float(other.high or 1), other.estimated)
    return between(one, other, catalogue.tokenizers[-1].name)


def exact_vocabulary(catalogue: Catalogue, model: str) -> str | None:
    """The published vocabulary a model is known to count with, None where there is none."""
    family = tokenizer_of(catalogue, model)
    return None if family.estimated else family.vocabulary


def between(one: TokenizerFamily, other: TokenizerFamily, unknown: str) -> Conversion:
    """The conversion from one family to another; ``unknown`` is the name of the family of all other models."""
    if one.name == other.name and one.vocabulary:
        return Conversion(1.0, 1.0, 1.0, one.estimated)
    ratio = float(other.value / one.value)
    low = float((other.low or other.value) / (one.high or one.value))
    high = float((other.high or other.value) / (one.low or one.value))
    if one.name == other.name:
        return Conversion(1.0, 1.0, 1.0, one.name == unknown)
    return Conversion(ratio, low, high, True)


def begins(model: str, prefixes: Iterable[str]) -> bool:
    """Whether a name, or its part after a slash, a maker's dot or a maker's dash, begins in one of these ways."""
    name = model.lower()
    parts = {
        name,
        *(name[found.end() :] for found in re.finditer(r"/|(?<=[a-z])\.(?=[a-z])|^[a-z]+-(?=llama|qwen)", name)),
    }
    return any(part.startswith(prefix) for part in parts for prefix in prefixes)
