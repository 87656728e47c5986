"""Text of a log for a terminal: shown, whatever it holds, and without any effect."""

import re

ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that a terminal acts on, but tabs and ends of lines: among them the beginning of every escape sequence."""


def visible(text: str) -> str:
    """The text with a mark in place of each character that a terminal would act on."""
    return ACTING.sub("\ufffd", text)
