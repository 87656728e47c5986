"""JSON text as it comes, a value at a time: only the value that is looked at is held."""

import codecs
import json
import re
from typing import IO

from breakeven.usage.lines import MAX_LINE_BYTES, TOO_LONG
from breakeven.usage.streams import Damaged

PIECE_BYTES = 1024 * 1024
TOKEN_CHARS = 16
"""A word, or what is left of a number, is shorter than this. [characters]"""

ESCAPE_CHARS = 6
WORDS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")

BROKEN = "not JSON from here on"

SPACE = re.compile(r"\s*")

DECODE = json.JSONDecoder().raw_decode


def is_cut(text: str, error: json.JSONDecodeError) -> bool:
    """Whether a text that is no JSON would be, if it went on."""
    rest = text[error.pos : error.pos + TOKEN_CHARS]
    if error.msg.startswith("Unterminated string"):
        return True
    if error.msg.startswith("Invalid \\u"):
        return len(rest) < ESCAPE_CHARS
    if error.msg.startswith("Expecting value"):
        return any(word.startswith(rest) for word in WORDS)
    return not rest.strip(".eE+-")  # nothing, or the middle of a number


class BrokenError(Exception):
    """Here the text stops being JSON, or a value of it is too long; its only argument is the reason."""


class Values:
    """
    The values of a text, in UTF-8; a byte that is none becomes a lone surrogate.

    place : where the next value begins, or what stands before it.
    kept : from where on the text is to be had again, None for ``place``.
    damage : why the text ends before its end, "" where it does not or where that was said.
    """

    def __init__(self, handle: IO[bytes]) -> None:
        self.handle = handle
        self.decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.text = ""
        self.place = 0
        self.kept: int | None = None
        self.ended = False
        self.damage = ""

    def peek(self, between: re.Pattern[str] = SPACE) -> str:
        """Go to the next character that is not ``between``, and give it; "" at the end. Raises as ``value``."""
        while True:
            found = between.match(self.text, self.place)
            self.place = found.end() if found else self.place
            if self.place < len(self.text):
                return self.text[self.place]
            if not self._more():
                return ""

    def take(self, chars: str) -> str:
        """Go past the next character, which must be one of these, and give it. Raises as ``value``."""
        char = self.peek()
        if not char or char not in chars:
            raise self._broken()
        self.place += 1
        return char

    def value(self) -> str:
        """
        Go past the next value and give its text.

        Raises BrokenError where there is none, it ends before its end, or it is longer than a line may be.
        """
        self.peek()
        while True:
            try:
                _, end = DECODE(self.text, self.place)
            except RecursionError:
                raise self._broken() from None
            except json.JSONDecodeError as error:
                if not is_cut(self.text, error) or not self._more(len(self.text) - self.place):
                    raise self._broken() from None
                continue
            length = end - self.place
            if end > len(self.text) - TOKEN_CHARS and self.text[end - 1] not in '"}]' and self._more():
                continue  # a number may go on
            self.place += length
            return self.text[self.place - length : self.place]

    def taken(self) -> str:
        """The text from ``kept`` to ``place``, which is then no longer kept; "" where none was."""
        start, self.kept = self.kept, None
        return "" if start is None else self.text[start : self.place]

    def next_line(self) -> None:
        """Go to the beginning of the next line, or to the end."""
        self.kept = None
        while (end := self.text.find("\n", self.place)) < 0:
            self.place = len(self.text)
            if not self._more():
                return
        self.place = end + 1

    def _broken(self) -> BrokenError:
        reason = (self.ended and self.damage) or BROKEN
        self.damage = ""
        return BrokenError(reason)

    def _more(self, least: int = 1) -> bool:
        """Read so many bytes more, or to the end; whether there were any."""
        if self.ended:
            return False
        start = self.place if self.kept is None else self.kept
        self.text, self.place = self.text[start:], self.place - start
        self.kept = None if self.kept is None else 0
        if len(self.text) > MAX_LINE_BYTES:
            raise BrokenError(TOO_LONG)
        pieces, count = list[str](), 0
        while count < least and not self.ended:
            try:
                piece = self.handle.read(PIECE_BYTES)
            except Damaged as damaged:
                piece, self.damage = b"", str(damaged)
            self.ended = not piece
            pieces.append(self.decoder.decode(piece, final=self.ended))
            count += len(piece)
        self.text += "".join(pieces)
        return count > 0
