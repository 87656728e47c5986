"""Examples that come twice: in one file, or in a training file and its validation file."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from breakeven.training_files.example import Example, Turn
from breakeven.training_files.facts import MOST_LINES, Leaks, Noted


class Digest(NamedTuple):
    """Hashes of an example: what is asked (all before the last turn, and the tools), and the whole of it."""

    prompt: bytes
    whole: bytes


@dataclass
class Seen:
    """
    The hashes of a file's examples.

    whole : of whole examples -> the line of the first. prompts : of prompts -> hashes of the first example with it.
    """

    whole: dict[bytes, int] = field(default_factory=dict)
    prompts: dict[bytes, bytes] = field(default_factory=dict)
    repeated: list[int] = field(default_factory=list)
    conflicting: list[int] = field(default_factory=list)

    def add(self, line: int, example: Example) -> Digest:
        """One example more."""
        digest = digest_of(example)
        if digest.whole in self.whole:
            self.repeated.append(line)
            return digest
        self.whole[digest.whole] = line
        if self.prompts.setdefault(digest.prompt, digest.whole) != digest.whole and len(example.turns) > 1:
            self.conflicting.append(line)
        return digest


def digest_of(example: Example) -> Digest:
    """Hashes of what is said, with blanks at the ends of texts taken away; the form it is written in does not count."""
    said = [_said(turn) for turn in example.turns]
    return Digest(_hash([said[:-1], example.tools]), _hash([said, example.tools]))


def leaks(train: Seen, validation: Mapping[int, Digest]) -> Leaks:
    """What the lines of a validation file share with a training file."""
    same = [line for line, digest in validation.items() if digest.whole in train.whole]
    prompts = [
        line
        for line, digest in validation.items()
        if digest.whole not in train.whole and digest.prompt in train.prompts
    ]
    return Leaks(
        noted("lines that the training file has too", same),
        noted("prompts that the training file has with another answer", prompts),
    )


def noted(what: str, lines: list[int]) -> Noted:
    """Something found in some lines."""
    return Noted(what, len(lines), tuple(lines[:MOST_LINES]))


def _said(turn: Turn) -> list[object]:
    role = "system" if turn.role == "developer" else turn.role
    return [role, turn.name, [text.strip() for text in turn.texts]]


def _hash(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
