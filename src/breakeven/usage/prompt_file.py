"""A prompt in a file, text or chat messages as JSON, counted in every vocabulary that can be."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from breakeven.errors import InputError
from breakeven.usage.spoken import Spoken, is_chat, spoken
from breakeven.usage.tokens import VOCABULARIES, counter

MAX_BYTES = 64 * 1024 * 1024
"""Longer than any context window."""


@dataclass(frozen=True, slots=True)
class Around:
    """Tokens that a chat adds to its texts: for each message, for each name, and once. [tokens]"""

    message: float
    name: float
    reply: float

    def tokens(self, said: Spoken) -> int:
        """Those of a chat, 0 for plain text. [tokens]"""
        if not said.messages:
            return 0
        return round(said.messages * self.message + said.names * self.name + self.reply)


@dataclass(frozen=True, slots=True)
class PromptCount:
    """
    A prompt's tokens.

    tokens : vocabulary -> tokens, those around messages included. [tokens]
    messages, around : messages of a chat, 0 for plain text; the tokens around them. [tokens]
    left_out : kinds of content that are billed but not counted.
    """

    tokens: Mapping[str, int]
    messages: int
    around: int
    left_out: tuple[str, ...]


def count_prompt_file(file: Path, around: Around) -> PromptCount:
    """
    Count a prompt. JSON whose top is messages, or a request that holds them, is a chat; all else is one text.

    Raises
    ------
    InputError
        The file is missing, too long, not UTF-8 text, or empty; or the package that counts is missing.
    """
    try:
        if file.is_file() and file.stat().st_size > MAX_BYTES:
            raise InputError(f"--prompt-file {file}: longer than {MAX_BYTES // 2**20} MiB", "input_tokens")
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"--prompt-file {file}: no such file", "input_tokens") from None
    except UnicodeDecodeError:
        raise InputError(f"--prompt-file {file}: not UTF-8 text", "input_tokens") from None
    except OSError as error:
        raise InputError(f"--prompt-file {file}: cannot be read: {error.strerror}", "input_tokens") from None
    said = said_in(text)
    if not any(each.strip() for each in said.texts):
        raise InputError(f"--prompt-file {file}: holds no text", "input_tokens")
    extra = around.tokens(said)
    tokens: dict[str, int] = {}
    for vocabulary in VOCABULARIES:
        count = counter(vocabulary)
        tokens[vocabulary] = sum(map(count, said.texts)) + extra
    return PromptCount(tokens, said.messages, extra, tuple(sorted(said.left_out)))


def said_in(text: str) -> Spoken:
    """The texts of a chat in JSON, or the text as it is."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if value is None or not is_chat(value):
        return Spoken(texts=[text])
    found = spoken(text)
    system = value.get("system", value.get("instructions")) if isinstance(value, dict) else None
    if system is not None:
        found.messages += 1
        found.texts.append("system")
    return found
