"""Faults a user can mend. Each message is one line: what, where, the nearest valid choice, the next step."""

from collections.abc import Iterable, Mapping


class BreakevenError(Exception):
    """Base of every fault caused by input. Surfaces print its message alone; the CLI then exits with 2."""


class InputError(BreakevenError):
    """
    A field of a question that cannot be used.

    Parameters
    ----------
    message : str
        One line, complete in itself.
    field : str, optional
        Name of the field at fault, for surfaces that mark it.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class UnknownModelError(InputError):
    """No list price, override or own model goes by this name; the message names the nearest ones."""


class PriceNotFoundError(InputError):
    """The model is known, but not the price that was asked for, or not on that day."""


class CatalogueError(BreakevenError):
    """A catalogue or price file that does not follow the schema; the message lists every fault at once."""


class LogError(BreakevenError):
    """A usage log that cannot be read: no reader claims it, two do, or its columns are missing."""


class NoLogError(LogError):
    """
    A file in which there is no log that can be read; among several files, it is left out and reported.

    Parameters
    ----------
    message : str
        One line, complete in itself.
    reason : str
        Why, in a few words without the file's name.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


CLOSE = 0.5
"""How alike two names must be for one to be suggested, as ``difflib`` measures it. [1]"""


def nearest(name: str, names: Iterable[str], count: int = 3) -> str:
    """
    The closest of ``names`` to a mistyped ``name``, as the end of an error message.

    Returns "" where nothing is close, otherwise e.g. ``" Did you mean gpt-5-mini, gpt-5?"``.
    """
    from difflib import SequenceMatcher

    word, by_key = name.lower(), {candidate.lower(): candidate for candidate in names}
    matcher = SequenceMatcher(b=word)
    bounds: list[tuple[float, str]] = []
    places = _places(word)
    for key in by_key:
        matcher.set_seq1(key)
        if matcher.real_quick_ratio() >= CLOSE:
            bound = 2 * _common(key, places, len(word)) / max(1, len(key) + len(word))
            if bound >= CLOSE:
                bounds.append((bound, key))
    found: list[tuple[float, str]] = []
    for bound, key in sorted(bounds, reverse=True):
        if len(found) == count and bound < found[-1][0]:
            break
        matcher.set_seq1(key)
        found = sorted([*found, (matcher.ratio(), key)], reverse=True)[:count]
    close = [key for ratio, key in found if ratio >= CLOSE]
    return f" Did you mean {', '.join(by_key[key] for key in close)}?" if close else ""


def _places(word: str) -> dict[str, int]:
    """Where each character stands in a word, a bit for each place."""
    places: dict[str, int] = {}
    for place, char in enumerate(word):
        places[char] = places.get(char, 0) | 1 << place
    return places


def _common(one: str, places: Mapping[str, int], length: int) -> int:
    """
    Length of the longest common subsequence with a word of this length, which holds every block that ``difflib``
    matches. [characters]

    H. Hyyro, Bit-parallel LCS-length computation revisited, 2004.
    """
    row = every = (1 << length) - 1
    for char in one:
        met = row & places.get(char, 0)
        row = (row + met | row - met) & every
    return length - row.bit_count()
