"""What was found in a training file, as an answer shows it."""

from breakeven.questions.statement import part
from breakeven.questions.training_fields import FileTokens, Found, Shared, TrainingFile, TrainingQuestion
from breakeven.questions.training_offers import vocabulary_of


@part
class InvalidLine:
    """A line that cannot be trained on, and why."""

    line: int
    reason: str


@part
class FoundLines:
    """Something found in some lines: what, in how many, and the first of them."""

    what: str
    count: int
    lines: list[int]


@part
class Lines:
    """
    All lines of the file: ``in == valid + invalid_lines``; blank ones are counted apart.

    invalid : the first of the invalid lines. reasons : all of them by reason. Null without a file.
    """

    total: int | None
    blank: int | None
    valid: int | None
    invalid_lines: int | None
    invalid: list[InvalidLine]
    reasons: list[FoundLines]


@part
class Bin:
    """Examples of ``low`` to ``high`` tokens: of all of an example, and of what is trained on in it."""

    low: int
    high: int
    examples: int
    trained_examples: int


@part
class LongLine:
    """A line and the tokens of its example."""

    line: int
    tokens: int


@part
class FileReport:
    """
    One file.

    examples, messages : of its valid lines. vocabulary : in which tokens were counted, "" if they were not.
    tokens : of one pass by OpenAI's rule. trained_tokens, trained_share : what the model learns to write of it.
    longest_tokens : of one example; longest : the lines of the longest ones. bins : lengths by powers of two.
    """

    name: str
    form: str
    examples: int
    messages: int
    vocabulary: str
    tokens: int | None
    trained_tokens: int | None
    trained_share: float | None
    longest_tokens: int | None
    longest: list[LongLine]
    bins: list[Bin]
    repeated: FoundLines
    same_prompt: FoundLines
    other_forms: list[FoundLines]
    warnings: list[FoundLines]
    left_out: list[FoundLines]
    personal: list[FoundLines]
    notes: list[str]


@part
class LeakReport:
    """What a validation file shares with its training file."""

    examples: FoundLines
    prompts: FoundLines


def lines_of(question: TrainingQuestion) -> Lines:
    """The lines of the question's file."""
    file = question.training_file
    if file is None:
        return Lines(total=None, blank=None, valid=None, invalid_lines=None, invalid=[], reasons=[])
    return Lines(
        total=file.lines,
        blank=file.blank,
        valid=file.valid,
        invalid_lines=file.invalid_lines,
        invalid=[InvalidLine(line=each.line, reason=each.reason) for each in file.invalid],
        reasons=[_found(each) for each in file.reasons],
    )


def report(file: TrainingFile) -> FileReport:
    """What was found in one file."""
    counts = next((each for each in file.counts if each.vocabulary == vocabulary_of(file)), None)
    tokens = None if counts is None else sum(length * examples for length, examples in counts.lengths)
    trained = None if counts is None else counts.trained_tokens
    return FileReport(
        name=file.name,
        form=file.form,
        examples=file.valid,
        messages=file.messages,
        vocabulary="" if counts is None else counts.vocabulary,
        tokens=tokens,
        trained_tokens=trained,
        trained_share=None if not tokens or trained is None else trained / tokens,
        longest_tokens=None if counts is None else max((length for length, _ in counts.lengths), default=0),
        longest=[LongLine(line=line, tokens=size) for line, size in (counts.longest if counts else ())],
        bins=[] if counts is None else bins(counts),
        repeated=_found(file.repeated),
        same_prompt=_found(file.same_prompt),
        other_forms=[_found(each) for each in file.other_forms],
        warnings=[_found(each) for each in file.warnings],
        left_out=[_found(each) for each in file.left_out],
        personal=[_found(each) for each in file.personal],
        notes=list(file.notes),
    )


def bins(counts: FileTokens) -> list[Bin]:
    """Lengths by powers of two: 0, 1, 2 to 3, 4 to 7 and so on, from the first that is met to the last."""
    found: dict[int, list[int]] = {}
    for place, lengths in enumerate((counts.lengths, counts.trained_lengths)):
        for tokens, examples in lengths:
            found.setdefault(int(tokens).bit_length(), [0, 0])[place] += examples
    if not found:
        return []
    return [
        Bin(
            low=0 if power == 0 else 1 << (power - 1),
            high=(1 << power) - 1,
            examples=found.get(power, [0, 0])[0],
            trained_examples=found.get(power, [0, 0])[1],
        )
        for power in range(min(found), max(found) + 1)
    ]


def leak_report(shared: Shared | None) -> LeakReport | None:
    """What both files share."""
    return None if shared is None else LeakReport(examples=_found(shared.examples), prompts=_found(shared.prompts))


def _found(each: Found) -> FoundLines:
    return FoundLines(what=each.what, count=each.count, lines=list(each.lines))
