"""What was counted in a training file: numbers, line numbers and reasons, never any of its text."""

from dataclasses import dataclass

Lengths = tuple[tuple[int, int], ...]
"""(tokens, examples of that many tokens), rising."""

MOST_LISTED = 1000
"""Invalid lines that are listed with their reason; all are counted. [lines]"""

MOST_LINES = 20
"""Line numbers that are named for each thing found. [lines]"""


@dataclass(frozen=True, slots=True)
class InvalidLine:
    """A line that cannot be trained on, from 1, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Something found in some lines: what, in how many of them, and the first of them."""

    what: str
    count: int
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """
    Tokens of the valid lines in one published vocabulary.

    text_tokens : what is written in messages, calls of tools and names included. trained_tokens : of it, what the
        model learns to write. role_tokens : names of roles.
    tool_tokens : definitions of tools, as OpenAI counts them. schema_tokens : the same as JSON text.
    lengths : tokens of each example by OpenAI's rule: all of the above but ``schema_tokens``, and the tokens around
        messages. trained_lengths : of each example, what is trained on.
    longest : (line, tokens) of the longest examples, falling.
    """

    vocabulary: str
    text_tokens: int
    trained_tokens: int
    role_tokens: int
    tool_tokens: int
    schema_tokens: int
    lengths: Lengths
    trained_lengths: Lengths
    longest: Lengths = ()


@dataclass(frozen=True, slots=True)
class FileFacts:
    """
    One training file. Always ``lines == valid + invalid_lines``; blank lines are counted apart.

    form : of most lines that are of a known form, "" where none is. other_forms : of lines that are of another one.
    invalid : the first ``MOST_LISTED`` invalid lines. reasons : all of them, by reason.
    messages, names : of all examples, and those of them with a name. trained_messages : that the model learns.
    left_out : kinds of content that are billed but not counted. notes : about the file as a whole.
    repeated : examples that are the same as one before. same_prompt : prompts with different answers.
    personal : what looks like personal data or a secret, by kind.
    counts : by vocabulary, () where the package that counts is missing.
    """

    name: str
    form: str
    lines: int
    blank: int
    valid: int
    invalid_lines: int
    messages: int
    names: int
    trained_messages: int
    repeated: Noted
    same_prompt: Noted
    invalid: tuple[InvalidLine, ...] = ()
    reasons: tuple[Noted, ...] = ()
    other_forms: tuple[Noted, ...] = ()
    warnings: tuple[Noted, ...] = ()
    left_out: tuple[Noted, ...] = ()
    personal: tuple[Noted, ...] = ()
    notes: tuple[str, ...] = ()
    counts: tuple[Counted, ...] = ()


@dataclass(frozen=True, slots=True)
class Leaks:
    """
    What a validation file shares with its training file, which makes its score mean little.

    examples : its lines that are lines of the training file too. prompts : its lines whose prompt is there with
        another answer.
    """

    examples: Noted
    prompts: Noted
