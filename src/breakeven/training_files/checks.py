"""
A training file read line by line: which lines can be trained on, why not the others, and how many tokens there are.

Every line that is not blank is valid or invalid; an invalid one comes back with its number and the reason.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from breakeven.errors import LogError
from breakeven.training_files.counting import Tally
from breakeven.training_files.example import Example, Form, InvalidLineError
from breakeven.training_files.facts import MOST_LISTED, FileFacts, InvalidLine, Leaks, Noted
from breakeven.training_files.forms import FORMS, form_of
from breakeven.training_files.personal import kinds_in
from breakeven.training_files.repeats import Digest, Seen, leaks, noted
from breakeven.usage.inputs import LogFile, as_log
from breakeven.usage.lines import json_chunks, read_head
from breakeven.usage.prompt_file import Around
from breakeven.usage.readers.reader import BOM
from breakeven.usage.streams import GZIP, is_zstd
from breakeven.usage.tokens import VOCABULARIES, Vocabulary, is_installed

PLACE = re.compile(r"\b(message|part|tool call|tool|content) \d+")
"""Where in a line a reason holds."""

NOT_JSON = "not JSON"
NOT_AN_OBJECT = "not a JSON object"
UNKNOWN_FORM = "of no known form: it has none of messages, contents, prompt, text, preferred_output"
TWO_FORMS = "of two forms at once: keep the keys of one"


class Fault(NamedTuple):
    """Stands for a line whose text cannot be had."""

    reason: str


class Read(NamedTuple):
    """A training file, its validation file if there is one, and what both share."""

    train: FileFacts
    validation: FileFacts | None
    leaks: Leaks | None


def read_training_file(
    file: Path | LogFile,
    around: Around,
    validation: Path | LogFile | None = None,
    vocabularies: Sequence[Vocabulary] | None = None,
) -> Read:
    """
    Check and count a training file.

    Parameters
    ----------
    file, validation : path or LogFile
        JSON lines, also packed by gzip or Zstandard.
    around : Around
        What a chat adds to its texts.
    vocabularies : sequence, optional
        To count in; all that are known where the package that counts is installed, none otherwise.

    Raises
    ------
    LogError
        A file is missing, holds no line, or is one JSON document in place of lines.
    InputError
        ``vocabularies`` were given, and the package that counts is missing.
    """
    if vocabularies is None:
        vocabularies = VOCABULARIES if is_installed() else ()
    train = _File(file, around, vocabularies)
    held = None if validation is None else _File(validation, around, vocabularies)
    shared = None if held is None else leaks(train.seen, held.digests)
    return Read(train.facts(), None if held is None else held.facts(), shared)


def parsed(text: str) -> dict[str, Any]:
    """A line as a JSON object. Raises InvalidLineError with a reason that quotes nothing."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except InvalidLineError:
        raise
    except (ValueError, RecursionError):
        raise InvalidLineError(NOT_JSON) from None
    if not isinstance(value, dict):
        raise InvalidLineError(NOT_AN_OBJECT)
    return value


def read_line(text: str) -> tuple[Form, Example]:
    """The form and the example of one line. Raises InvalidLineError."""
    line = parsed(text)
    form = form_of(line)
    if form is None:
        raise InvalidLineError(TWO_FORMS if any(each.accepts(line) for each in FORMS) else UNKNOWN_FORM)
    return form, form.read(line)


def _no_constant(_: str) -> NoReturn:
    raise InvalidLineError("not JSON: NaN and Infinity are no numbers of JSON")


class _File:
    """One file as it is read: lines of the form of most of them are counted, those of another are invalid."""

    def __init__(self, file: Path | LogFile, around: Around, vocabularies: Sequence[Vocabulary]) -> None:
        self.file = as_log(file)
        head = read_head(self.file)
        _refuse_document(self.file, head)
        self.notes = list(_notes(self.file, head))
        self.blank = self.messages = self.names = self.trained = 0
        self.invalid: list[InvalidLine] = []
        self.found: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        self.tallies = [Tally(vocabulary, around) for vocabulary in vocabularies]
        self.seen, self.digests = Seen(), dict[int, Digest]()
        self.valid = 0
        self.form = ""
        forms = self._forms()
        if forms:
            self.form = max(forms, key=lambda name: len(forms[name]))
            self.other = {name: lines for name, lines in forms.items() if name != self.form}
        else:
            self.other = {}
        for number, text in self._lines():
            self._take(number, text)
        if not self.valid and not self.invalid:
            raise LogError(f"{self.file.name}: holds no line; a training file is JSON lines, one example on each")

    def facts(self) -> FileFacts:
        """What was found."""
        advice = next((form.advice for form in FORMS if form.name == self.form), "")
        return FileFacts(
            name=self.file.name,
            form=self.form,
            lines=self.valid + len(self.invalid),
            blank=self.blank,
            valid=self.valid,
            invalid_lines=len(self.invalid),
            messages=self.messages,
            names=self.names,
            trained_messages=self.trained,
            repeated=noted("lines that repeat one before", self.seen.repeated),
            same_prompt=noted("prompts that come again with another answer", self.seen.conflicting),
            invalid=tuple(self.invalid[:MOST_LISTED]),
            reasons=_by_reason(self.invalid),
            other_forms=tuple(noted(name, lines) for name, lines in self.other.items()),
            warnings=self._noted("warnings"),
            left_out=self._noted("left out"),
            personal=self._noted("personal"),
            notes=(*self.notes, *([advice] if advice else []), *self._no_json()),
            counts=tuple(tally.counted() for tally in self.tallies),
        )

    def _no_json(self) -> list[str]:
        """What to do with a file that holds no JSON at all, such as a table."""
        is_other = not self.valid and all(each.reason == NOT_JSON for each in self.invalid)
        return ["no line is JSON: write a table as JSON lines first, each row as messages"] if is_other else []

    def _noted(self, kind: str) -> tuple[Noted, ...]:
        return tuple(noted(what, lines) for what, lines in self.found[kind].items())

    def _forms(self) -> dict[str, list[int]]:
        """Form -> the lines that are of it, whatever is wrong with them."""
        forms: dict[str, list[int]] = {}
        for number, text in self._lines():
            try:
                form = form_of(parsed(text)) if isinstance(text, str) else None
            except InvalidLineError:
                continue
            if form is not None:
                forms.setdefault(form.name, []).append(number)
        return forms

    def _lines(self) -> Iterator[tuple[int, str | Fault]]:
        """Every line that is not blank: its number, and its text or why there is none."""
        self.blank = 0
        for chunk in json_chunks(self.file):
            self.blank += chunk.blank
            rows: list[tuple[int, str | Fault]] = [*zip(chunk.lines, chunk.texts["raw"], strict=True)]
            rows += [(number, Fault(reason)) for number, reason in chunk.faults]
            yield from sorted(rows, key=lambda row: row[0])

    def _take(self, number: int, text: str | Fault) -> None:
        try:
            if isinstance(text, Fault):
                raise InvalidLineError(text.reason)
            form, example = read_line(text)
            if form.name != self.form:
                raise InvalidLineError(f"of form {form.name}, most lines are {self.form}: one file has one form")
        except InvalidLineError as error:
            self.invalid.append(InvalidLine(number, str(error)))
            return
        self.valid += 1
        for turn in example.turns:
            self.messages += bool(turn.role)
            self.names += bool(turn.name)
            self.trained += turn.trained
        for kind, found in (
            ("warnings", example.warnings),
            ("left out", example.left_out),
            ("personal", kinds_in(text for turn in example.turns for text in turn.texts)),
        ):
            for what in found:
                self.found[kind][what].append(number)
        self.digests[number] = self.seen.add(number, example)
        for tally in self.tallies:
            tally.add(number, example)


def _by_reason(invalid: Sequence[InvalidLine]) -> tuple[Noted, ...]:
    """Reasons with the lines they hold for, numbers of messages in them aside; the most frequent first."""
    found: dict[str, list[int]] = {}
    for each in invalid:
        found.setdefault(PLACE.sub(r"a \1", each.reason), []).append(each.line)
    return tuple(noted(what, lines) for what, lines in sorted(found.items(), key=lambda each: -len(each[1])))


def _notes(file: LogFile, head: bytes) -> Iterator[str]:
    """What a provider may object to in the file as it lies there."""
    with file.open() as raw:
        start = raw.read(4)
    if start.startswith(GZIP) or is_zstd(start):
        yield "it is packed: upload it unpacked"
    if head.startswith(BOM):
        yield "it begins with a byte order mark, which some providers refuse"


def _refuse_document(file: LogFile, head: bytes) -> None:
    """Raise LogError for one JSON document over several lines, or an array of examples."""
    start = head.removeprefix(BOM).lstrip()
    first = start.split(b"\n", 1)[0]
    if start[:1] not in (b"[", b"{"):
        return
    try:
        value = json.loads(first)
        whole = isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)
    except (ValueError, RecursionError):
        whole = len(first.strip()) <= 2
    if whole:
        raise LogError(
            f"{file.name}: is one JSON document; a training file is JSON lines: each example an object on a line of its"
            " own, without brackets around and commas between them"
        )
