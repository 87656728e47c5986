"""
Tokens of a text, counted exactly and offline.

The vocabularies lie inside the optional package ``bpe-openai``; nothing is fetched. Text that looks like a special
token, such as ``<|endoftext|>``, is counted as the ordinary text it is when it is sent in a message.
"""

import warnings
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import Literal

from breakeven.errors import InputError

Vocabulary = Literal["o200k_base", "cl100k_base"]

VOCABULARIES: tuple[Vocabulary, ...] = ("o200k_base", "cl100k_base")
"""Vocabularies that can be counted in, of OpenAI's models; see ``catalogue/tokenizers.yaml``."""

MISSING = "counting tokens needs the package bpe-openai; install it with: pip install 'breakeven[tokens]'"


def is_installed() -> bool:
    """Whether tokens can be counted."""
    return find_spec("bpe_openai") is not None


def count_tokens(text: str, vocabulary: Vocabulary) -> int:
    """
    Number of tokens of a text. [tokens]

    Raises InputError, saying what to install, where the package is missing.
    """
    return counter(vocabulary)(text)


def counter(vocabulary: Vocabulary) -> Callable[[str], int]:
    """``count_tokens`` of one vocabulary, loaded already. Raises as it does."""
    count = _count(vocabulary)

    def tokens(text: str) -> int:
        try:
            return count(text)
        except UnicodeEncodeError:
            # Half a surrogate pair, which JSON may hold: one replacement character, as in what is sent.
            return count(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))

    return tokens


@lru_cache(maxsize=2)
def _count(vocabulary: Vocabulary) -> Callable[[str], int]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of a function the package reads its files with
            # The package's own wrapper around this refuses texts of a million characters.
            from bpe_openai import _bindings  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        raise InputError(MISSING[:1].upper() + MISSING[1:]) from None
    count: Callable[[str], int] = _bindings.tokenizer_for_encoding(vocabulary).count
    return count
